import type { IncomingMessage, ServerResponse } from 'node:http'
import { DittoError } from '@dittofs/interface'
import type { Exchange } from './exchange.ts'
import { HttpError } from './http-error.ts'
import { MAX_XML_BYTES, XML_BODY_TIMEOUT_MS } from './limits.ts'
import type { XmlElement } from './xml-element.ts'
import { parseXml } from './xml-parser.ts'

/** Whether a request says that it has a body. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

/**
 * Before a request is let in: a client that waits for `100 Continue` may send its next request in the place of a body that
 * nobody asked for, so that the connection cannot be used again.
 */
export function expectBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect !== undefined) response.setHeader('Connection', 'close')
}

/** Tells a client that waits to send its body. */
export function askForBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect === undefined) return
  response.removeHeader('Connection')
  response.writeContinue()
}

/**
 * The root element of a request's XML body; `undefined` where there is no body.
 *
 * @throws HttpError 400 (no XML), and as `readSmallBody`
 */
export async function readXmlBody(exchange: Exchange): Promise<XmlElement | undefined> {
  const body = await readSmallBody(exchange)
  return body === undefined ? undefined : parseXml(body)
}

/**
 * The bytes of a body of MAX_XML_BYTES at most; `undefined` where there is none.
 *
 * @throws HttpError 408 (it came too slowly), 413 (too long), 415 (it is compressed)
 */
export async function readSmallBody({ request, response, state }: Exchange): Promise<Buffer | undefined> {
  const { headers } = request
  if (!hasBody(request)) return undefined
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new HttpError(415, 'A compressed body is not understood.')
  }
  if (Number(headers['content-length'] ?? 0) > MAX_XML_BYTES) throw tooLong(MAX_XML_BYTES)
  let patience: AbortController | undefined
  // Nearly every body is there with the header fields: only for one that is not there a clock is needed.
  const late = setImmediate(() => {
    patience = new AbortController()
    state.clock
      .sleep(XML_BODY_TIMEOUT_MS, { signal: patience.signal })
      .then(() => request.destroy(new HttpError(408, 'The body of the request came too slowly.')))
      .catch(() => {})
  })
  try {
    askForBody(request, response)
    const body = await bytesOf(request, MAX_XML_BYTES)
    return body.length === 0 ? undefined : body
  } finally {
    clearImmediate(late)
    patience?.abort()
  }
}

/**
 * A whole body in memory, by events: an iterator costs more than a few bytes do.
 *
 * @throws HttpError 413 past `maxBytes`; DittoError DITTO_LINK_CUT, or what else cut the body
 */
export function bytesOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) {
      reject(clientGone())
      return
    }
    const pieces: Buffer[] = []
    let size = 0
    const end = (settle: () => void) => {
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      settle()
    }
    const onData = (piece: Buffer) => {
      size += piece.length
      if (size > maxBytes) end(() => reject(tooLong(maxBytes)))
      else pieces.push(piece)
    }
    const onEnd = () => end(() => resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)))
    const onError = (error: Error) => end(() => reject(error))
    const onClose = () => onError(clientGone())
    request.on('data', onData).once('end', onEnd).once('error', onError).once('close', onClose)
  })
}

function tooLong(maxBytes: number): HttpError {
  return new HttpError(413, `The body of this request may have at most ${maxBytes} bytes.`)
}

function clientGone(): DittoError {
  return new DittoError('DITTO_LINK_CUT', 'The client went away.')
}

import type { IncomingMessage, ServerResponse } from 'node:http'
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
 * @throws HttpError 400 (no XML), 408 (it came too slowly), 413 (too long), 415 (it is compressed)
 */
export async function readXmlBody({ request, response, state, signal }: Exchange): Promise<XmlElement | undefined> {
  const { headers } = request
  if (!hasBody(request)) return undefined
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new HttpError(415, 'A compressed body is not understood.')
  }
  if (Number(headers['content-length'] ?? 0) > MAX_XML_BYTES) throw tooLong()
  const ended = new AbortController()
  const onTime = state.clock
    .sleep(XML_BODY_TIMEOUT_MS, { signal: AbortSignal.any([ended.signal, signal]) })
    .then(() => request.destroy(new HttpError(408, 'The body of the request came too slowly.')))
    .catch(() => {})
  try {
    askForBody(request, response)
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += piece.length
      if (size > MAX_XML_BYTES) throw tooLong()
      pieces.push(piece)
    }
    return size === 0 ? undefined : parseXml(Buffer.concat(pieces))
  } finally {
    ended.abort()
    await onTime
  }
}

function tooLong(): HttpError {
  return new HttpError(413, `An XML body may have at most ${MAX_XML_BYTES} bytes.`)
}

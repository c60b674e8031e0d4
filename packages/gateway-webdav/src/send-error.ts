import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpError } from './http-error.ts'
import { MAX_UNWANTED_BODY_BYTES } from './limits.ts'
import { hrefElement, XML_TYPE, xmlDocument } from './multistatus-writer.ts'

/** Tells of an error; a body that has begun is cut off, so that nobody takes it for a whole one. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: HttpError): void {
  if (response.headersSent || response.destroyed || request.socket.destroyed) {
    response.destroy()
    return
  }
  const [type, body] = bodyOf(error)
  if (!request.complete) leaveBody(request, response)
  response.writeHead(error.status, {
    'Content-Type': type,
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Content-Type-Options': 'nosniff',
    ...error.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function bodyOf({ condition, message }: HttpError): [type: string, body: string] {
  if (condition === undefined) return ['text/plain; charset=utf-8', `${message}\n`]
  const inner = (condition.hrefs ?? []).map(hrefElement).join('')
  const element = inner === '' ? `<D:${condition.name}/>` : `<D:${condition.name}>${inner}</D:${condition.name}>`
  return [XML_TYPE, xmlDocument(`<D:error xmlns:D="DAV:">${element}</D:error>`)]
}

/**
 * A client that still sends its body may not look for an answer before it is done, and loses the answer when the
 * connection is closed under it: a short rest is read and dropped.
 */
function leaveBody(request: IncomingMessage, response: ServerResponse): void {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > MAX_UNWANTED_BODY_BYTES) response.setHeader('Connection', 'close')
  if (response.hasHeader('Connection')) return
  let left = MAX_UNWANTED_BODY_BYTES
  request.on('error', () => {})
  request.on('data', (piece: Buffer) => {
    left -= piece.length
    if (left < 0) request.destroy()
  })
}

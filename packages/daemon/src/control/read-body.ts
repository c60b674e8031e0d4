import type { IncomingMessage } from 'node:http'
import { DittoError } from '@dittofs/interface'
import { MAX_BODY_BYTES } from './control-lines.ts'

/**
 * The JSON document, no array, that a request carries.
 *
 * @throws DittoError DITTO_LIMIT, DITTO_USAGE
 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let size = 0
  // Not destroyed on break: the refusal still has to travel over the same connection.
  for await (const bytes of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    size += bytes.length
    if (size > MAX_BODY_BYTES) {
      throw new DittoError('DITTO_LIMIT', `A request is at most ${MAX_BODY_BYTES} bytes long; divide the work.`)
    }
    pieces.push(bytes)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    // The schemas take an array for an object.
    if (!Array.isArray(body)) return body
  } catch (cause) {
    throw new DittoError('DITTO_USAGE', 'The body of the request is not JSON.', { cause })
  }
  throw new DittoError('DITTO_USAGE', 'The body of the request is not a JSON object.')
}

import type { Duplex } from 'node:stream'
import { type AbortOptions, DittoError } from '@dittofs/interface'

/**
 * Reads exactly `size` bytes and leaves the rest in the stream, for whoever reads it next.
 *
 * @throws DittoError DITTO_LINK_CUT when the stream ends or fails before
 */
export function readExactly(duplex: Duplex, size: number, options: AbortOptions = {}): Promise<Buffer> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      duplex.off('readable', onReadable)
      duplex.off('end', onEnd)
      duplex.off('close', onEnd)
      duplex.off('error', onError)
      signal?.removeEventListener('abort', onAbort)
      finish()
    }
    const onReadable = () => {
      // `read(size)` gives fewer bytes only when the stream has ended.
      const bytes = duplex.read(size) as Buffer | null
      if (bytes === null) return
      if (bytes.length === size) settle(() => resolve(bytes))
      else onEnd()
    }
    const fail = (cause?: unknown) =>
      reject(new DittoError('DITTO_LINK_CUT', 'The peer ended the connection.', { cause }))
    const onEnd = () => settle(() => fail())
    const onError = (error: unknown) => settle(() => fail(error))
    const onAbort = () => settle(() => reject(signal?.reason))
    if (signal?.aborted === true) return reject(signal.reason)
    if (duplex.destroyed || duplex.readableEnded) return fail(duplex.errored ?? undefined)
    duplex.on('readable', onReadable)
    duplex.on('end', onEnd)
    duplex.on('close', onEnd)
    duplex.on('error', onError)
    signal?.addEventListener('abort', onAbort, { once: true })
    onReadable()
  })
}

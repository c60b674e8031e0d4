import type { AbortOptions, ChunkerKind } from '@dittofs/interface'
import type { ChunkPool } from './chunk-pool.ts'
import { SEGMENT_BYTES } from './worker-messages.ts'

/** Cuts a stream in the workers, through one buffer at a time. */
export async function cutStream(
  pool: ChunkPool,
  source: AsyncIterable<Uint8Array>,
  chunker: ChunkerKind,
  onChunks: (chunks: readonly { readonly digest: Uint8Array; readonly bytes: Uint8Array }[]) => Promise<void>,
  options: AbortOptions = {},
): Promise<void> {
  let buffer = Buffer.allocUnsafeSlow(SEGMENT_BYTES)
  let end = 0
  const cut = async (isEnd: boolean): Promise<void> => {
    const cutResult = await pool.chunk(buffer.buffer, end, isEnd, chunker)
    let start = 0
    const chunks = [...cutResult.ends].map((chunkEnd, nth) => {
      const bytes = new Uint8Array(cutResult.buffer, start, chunkEnd - start)
      start = chunkEnd
      return { digest: cutResult.digests.subarray(nth * 32, nth * 32 + 32), bytes }
    })
    await onChunks(chunks)
    buffer = Buffer.from(cutResult.buffer)
    buffer.copyWithin(0, start, end)
    end -= start
  }
  for await (const part of source) {
    options.signal?.throwIfAborted()
    for (let at = 0; at < part.length; ) {
      if (end === buffer.length) await cut(false)
      const taken = Math.min(part.length - at, buffer.length - end)
      buffer.set(part.subarray(at, at + taken), end)
      end += taken
      at += taken
    }
  }
  options.signal?.throwIfAborted()
  if (end > 0) await cut(true)
}

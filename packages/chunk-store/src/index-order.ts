import type { AbortOptions } from '@dittofs/interface'
import type { ChunkIndex } from './chunk-index.ts'
import type { WantedChunk } from './chunk-reader.ts'

/** Entries held at once to be sorted; each takes about 200 bytes. */
const ENTRIES_PER_PASS = 250_000

/** Bytes, headers included, that the index refers to in each pack. */
export async function liveBytesByPack(
  index: ChunkIndex,
  bytesOf: (length: number) => number,
  options: AbortOptions = {},
): Promise<{ readonly bytes: Map<number, number>; readonly chunks: Map<number, number> }> {
  const bytes = new Map<number, number>()
  const chunks = new Map<number, number>()
  for await (const batch of index.entries(options)) {
    for (const { entry } of batch) {
      if (entry.pack === 0) continue
      bytes.set(entry.pack, (bytes.get(entry.pack) ?? 0) + bytesOf(entry.length))
      chunks.set(entry.pack, (chunks.get(entry.pack) ?? 0) + 1)
    }
  }
  return { bytes, chunks }
}

/**
 * The committed entries of these packs, pack by pack. The index is in the order of the IDs, so it is gone through once
 * for as many packs as fit into ENTRIES_PER_PASS.
 *
 * @param chunks - how many entries each pack has, about
 */
export async function* entriesByPack(
  index: ChunkIndex,
  chunks: ReadonlyMap<number, number>,
  options: AbortOptions = {},
): AsyncGenerator<WantedChunk[]> {
  const packs = [...chunks.keys()].sort((a, b) => a - b)
  for (let from = 0; from < packs.length; ) {
    let to = from
    let entries = 0
    do entries += chunks.get(packs[to++] as number) ?? 0
    while (to < packs.length && entries + (chunks.get(packs[to] as number) ?? 0) <= ENTRIES_PER_PASS)
    const wanted = new Set(packs.slice(from, to))
    const found: WantedChunk[] = []
    for await (const batch of index.entries(options)) found.push(...batch.filter(({ entry }) => wanted.has(entry.pack)))
    if (found.length > 0) yield found
    from = to
  }
}

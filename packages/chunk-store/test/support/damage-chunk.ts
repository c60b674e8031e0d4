import { open, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type ChunkId, chunkId } from '@dittofs/interface'

/** From a record's chunk ID to its payload, and back to the byte that says it is a chunk and not a grant. */
const ID_TO_PAYLOAD_BYTES = 36
const KIND_TO_ID_BYTES = 9
const CHUNK_KIND = 1

/** Flips one bit of the newest record of a chunk, in whatever pack of `directory` it is. */
export async function damageChunk(directory: string, id: ChunkId): Promise<void> {
  const packs = (await readdir(path.join(directory, 'packs'))).sort().reverse()
  for (const name of packs) {
    const file = path.join(directory, 'packs', name)
    const bytes = await readFile(file)
    let at = bytes.lastIndexOf(chunkId.toBytes(id))
    while (at > 0 && bytes[at - KIND_TO_ID_BYTES] !== CHUNK_KIND) at = bytes.lastIndexOf(chunkId.toBytes(id), at - 1)
    if (at < 0) continue
    const position = at + ID_TO_PAYLOAD_BYTES
    const handle = await open(file, 'r+')
    await handle.write(Buffer.of((bytes[position] as number) ^ 1), 0, 1, position)
    await handle.close()
    return
  }
  throw new Error(`no pack has the chunk ${id}`)
}

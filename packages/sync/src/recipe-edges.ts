import type { ChunkId, ChunkRef } from '@dittofs/interface'
import { type ChunkPiece, MAX_MADE_CHUNKS, MAX_PIECES, type RecipeStep } from '@dittofs/wire'

/** Chunks on each side of a run that are compared byte by byte. */
const EDGE_CHUNKS = 4
/** A chunk is made of pieces only where no more of it than this is new. */
const MAX_NEW_SHARE = 0.25
/** Bytes of chunks that one recipe's edges may cost to read, and new bytes that it may carry. */
const MAX_READ_BYTES = 16 * 1024 * 1024
const MAX_NEW_BYTES = 128 * 1024

/** Reads chunks; `undefined` where one is not available. */
export type ReadChunks = (ids: readonly ChunkId[]) => Promise<readonly (Uint8Array | undefined)[]>

type List = readonly (ChunkRef | undefined)[]

interface Run {
  readonly bytes: Buffer
  /** The chunks of the list it is made of, with the place of each in `bytes`. */
  readonly parts: readonly { readonly position: number; readonly from: number; readonly to: number }[]
}

/**
 * Says chunks at the edge of what is known by the bytes beside it: where held content begins or ends inside a chunk, most of
 * that chunk stands before or behind the run in the list.
 */
export async function makeEdges(steps: readonly RecipeStep[], list: List, read: ReadChunks): Promise<RecipeStep[]> {
  const maker = new EdgeMaker(list, read)
  const made: RecipeStep[] = []
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'chunks') made.push(...(await maker.make(step.chunks, steps[at - 1], steps[at + 1])))
    else made.push(step)
  }
  return made
}

class EdgeMaker {
  readonly #list: List
  readonly #read: ReadChunks
  #readLeft = MAX_READ_BYTES
  #newLeft = MAX_NEW_BYTES
  #madeLeft = MAX_MADE_CHUNKS

  constructor(list: List, read: ReadChunks) {
    this.#list = list
    this.#read = read
  }

  async make(
    chunks: readonly ChunkRef[],
    before: RecipeStep | undefined,
    after: RecipeStep | undefined,
  ): Promise<RecipeStep[]> {
    const behind = before?.kind === 'copy' ? before.position + before.count : undefined
    const ahead = after?.kind === 'copy' ? after.position - 1 : undefined
    if (chunks.length <= 2 * EDGE_CHUNKS) return await this.#makeAll(chunks, behind, ahead)
    const head = await this.#makeAll(chunks.slice(0, EDGE_CHUNKS), behind, undefined)
    const tail = await this.#makeAll(chunks.slice(-EDGE_CHUNKS), undefined, ahead)
    return joined([...head, { kind: 'chunks', chunks: chunks.slice(EDGE_CHUNKS, -EDGE_CHUNKS) }, ...tail])
  }

  async #makeAll(
    chunks: readonly ChunkRef[],
    behind: number | undefined,
    ahead: number | undefined,
  ): Promise<RecipeStep[]> {
    const plain: RecipeStep[] = [{ kind: 'chunks', chunks }]
    if (behind === undefined && ahead === undefined) return plain
    const total = chunks.reduce((sum, { length }) => sum + length, 0)
    const forward = behind === undefined ? [] : this.#positions(behind, 1, total)
    const backward = ahead === undefined ? [] : this.#positions(ahead, -1, total)
    if (this.#madeLeft < chunks.length || forward.length + backward.length === 0) return plain
    const cost = [...forward, ...backward].reduce((sum, position) => sum + (this.#list[position]?.length ?? 0), total)
    if (cost > this.#readLeft) return plain
    this.#readLeft -= cost
    const target = await this.#read(chunks.map(({ id }) => id))
    if (!isWhole(target)) return plain
    const bytes = Buffer.concat(target)
    const [head, tail] = [await this.#run(forward), await this.#run(backward)]
    const prefix = commonPrefix(bytes, head.bytes)
    const suffix = Math.min(commonSuffix(bytes, tail.bytes), bytes.length - prefix)
    let from = 0
    const steps = chunks.map((chunk): RecipeStep => {
      const to = from + chunk.length
      const known = Math.max(from, Math.min(to, prefix))
      const again = Math.max(known, Math.min(to, bytes.length - suffix))
      const shift = tail.bytes.length - bytes.length
      const pieces = [
        ...partsOf(head, from, known),
        ...(again > known ? [{ kind: 'bytes' as const, bytes: bytes.subarray(known, again) }] : []),
        ...partsOf(tail, again + shift, to + shift),
      ]
      from = to
      return this.#isWorthIt(chunk, again - known, pieces.length)
        ? { kind: 'made', chunk, pieces }
        : { kind: 'chunks', chunks: [chunk] }
    })
    return joined(steps)
  }

  #isWorthIt(chunk: ChunkRef, newBytes: number, pieces: number): boolean {
    if (newBytes > MAX_NEW_SHARE * chunk.length || newBytes > this.#newLeft || pieces > MAX_PIECES) return false
    this.#newLeft -= newBytes
    this.#madeLeft--
    return true
  }

  /** Places in the list from one on, forward or backward, that together hold so many bytes. */
  #positions(start: number, direction: 1 | -1, bytes: number): number[] {
    const positions: number[] = []
    for (let left = bytes, position = start; left > 0; position += direction) {
      const chunk = this.#list[position]
      if (chunk === undefined || positions.length > 2 * MAX_PIECES) break
      positions.push(position)
      left -= chunk.length
    }
    return direction === 1 ? positions : positions.toReversed()
  }

  async #run(positions: readonly number[]): Promise<Run> {
    const found = await this.#read(positions.map((position) => (this.#list[position] as ChunkRef).id))
    if (!isWhole(found)) return { bytes: Buffer.alloc(0), parts: [] }
    let from = 0
    const parts = found.map((bytes, at) => {
      const part = { position: positions[at] as number, from, to: from + bytes.length }
      from = part.to
      return part
    })
    return { bytes: Buffer.concat(found), parts }
  }
}

function partsOf({ parts }: Run, from: number, to: number): ChunkPiece[] {
  return parts.flatMap((part) => {
    const begin = Math.max(from, part.from)
    const length = Math.min(to, part.to) - begin
    return length > 0 ? [{ kind: 'part' as const, position: part.position, offset: begin - part.from, length }] : []
  })
}

function commonPrefix(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  let at = 0
  while (at < most && a[at] === b[at]) at++
  return at
}

function commonSuffix(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  let count = 0
  while (count < most && a[a.length - 1 - count] === b[b.length - 1 - count]) count++
  return count
}

function isWhole(read: readonly (Uint8Array | undefined)[]): read is readonly Uint8Array[] {
  return read.every((bytes) => bytes !== undefined)
}

/** Chunks that are spelled out in several steps in a row become one. */
function joined(steps: readonly RecipeStep[]): RecipeStep[] {
  const all: RecipeStep[] = []
  for (const step of steps) {
    const last = all.at(-1)
    if (step.kind === 'chunks' && last?.kind === 'chunks') {
      all[all.length - 1] = { kind: 'chunks', chunks: [...last.chunks, ...step.chunks] }
    } else all.push(step)
  }
  return all
}

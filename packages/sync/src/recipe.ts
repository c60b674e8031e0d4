import { setImmediate } from 'node:timers/promises'
import type { ChunkId, ChunkRef } from '@dittofs/interface'
import type { RecipeStep } from '@dittofs/wire'

/** Chunks looked at before others get their turn: about a millisecond. */
const SLICE = 4096

/** Says chunks by their positions in a list that both sides know, and spells out those that are not in it. */
export async function makeRecipe(
  chunks: readonly ChunkRef[],
  list: readonly (ChunkRef | undefined)[],
): Promise<RecipeStep[]> {
  const positions = new Map<ChunkId, number>()
  for (const [position, chunk] of list.entries()) {
    if (chunk !== undefined && !positions.has(chunk.id)) positions.set(chunk.id, position)
    if (position % SLICE === SLICE - 1) await setImmediate()
  }
  const steps: RecipeStep[] = []
  let copy: { kind: 'copy'; position: number; count: number } | undefined
  let spelled: ChunkRef[] | undefined
  for (const [index, chunk] of chunks.entries()) {
    if (index % SLICE === SLICE - 1) await setImmediate()
    if (copy !== undefined && isSame(list[copy.position + copy.count], chunk)) {
      copy.count++
      continue
    }
    const position = positions.get(chunk.id)
    if (position !== undefined && isSame(list[position], chunk)) {
      copy = { kind: 'copy', position, count: 1 }
      spelled = undefined
      steps.push(copy)
      continue
    }
    copy = undefined
    if (spelled === undefined) {
      spelled = []
      steps.push({ kind: 'chunks', chunks: spelled })
    }
    spelled.push(chunk)
  }
  return steps
}

/** @returns the chunks that the steps say; `undefined` when a position is of a chunk that is not known */
export function followRecipe(
  steps: readonly RecipeStep[],
  list: readonly (ChunkRef | undefined)[],
): ChunkRef[] | undefined {
  const chunks: ChunkRef[] = []
  for (const step of steps) {
    for (const chunk of chunksOf(step, list)) {
      if (chunk === undefined) return undefined
      chunks.push(chunk)
    }
  }
  return chunks
}

function chunksOf(step: RecipeStep, list: readonly (ChunkRef | undefined)[]): readonly (ChunkRef | undefined)[] {
  if (step.kind === 'copy') return list.slice(step.position, step.position + step.count)
  return step.kind === 'chunks' ? step.chunks : [step.chunk]
}

function isSame(a: ChunkRef | undefined, b: ChunkRef): boolean {
  return a !== undefined && a.id === b.id && a.length === b.length
}

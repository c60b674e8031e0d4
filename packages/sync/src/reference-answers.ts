import {
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  chunkId,
  type Logger,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'
import { type AskOutlineMessage, type AskRecipeMessage, encodeMessage, encodeRecipe } from '@dittofs/wire'
import type { LinkWriter } from './link-writer.ts'
import { readChunks } from './read-chunks.ts'
import { makeRecipe } from './recipe.ts'
import { makeEdges } from './recipe-edges.ts'
import { readRange, readReferences } from './reference-list.ts'
import { hooksOf, type SizedManifest } from './reference-samples.ts'

/** Questions of one peer that wait; each costs the reading of many nodes. More of them hear at once that there is nothing. */
const MAX_WAITING = 8

export interface ReferenceAnswersInit {
  store: ChunkStore
  readManifest: ReadManifest
  writer: LinkWriter
  log: Logger
  /** Ends the answering. */
  signal: AbortSignal
  /** The space that a number of the peer stands for, where the peer is a member of it now. */
  spaceOf: (number: number) => SpaceId | undefined
}

/**
 * Tells a peer what is in a manifest by what it has already, one question at a time. Only manifests whose nodes are available
 * in the space are spoken of; for an unknown space, one the peer is no member of, and a node that is not here, the answer is
 * the same: nothing.
 */
export class ReferenceAnswers {
  readonly #init: ReferenceAnswersInit
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(init: ReferenceAnswersInit) {
    this.#init = init
  }

  onAsk(message: AskOutlineMessage | AskRecipeMessage): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#answer(message, undefined)
      return
    }
    this.#waiting++
    this.#turn = this.#turn.then(async () => {
      const bytes = await this.#bytesFor(message)
      this.#waiting--
      this.#answer(message, bytes)
    })
  }

  #answer({ type, request }: AskOutlineMessage | AskRecipeMessage, bytes: Uint8Array = new Uint8Array()): void {
    const { writer, signal } = this.#init
    if (signal.aborted) return
    writer.post(
      encodeMessage(
        type === 'askOutline' ? { type: 'outline', request, hooks: bytes } : { type: 'recipe', request, steps: bytes },
      ),
    )
  }

  async #bytesFor(message: AskOutlineMessage | AskRecipeMessage): Promise<Uint8Array | undefined> {
    const { store, readManifest, spaceOf, signal, log } = this.#init
    const space = spaceOf(message.space)
    if (space === undefined || signal.aborted) return undefined
    const reading = { store, readManifest, space }
    try {
      const chunks = await readRange(reading, manifestOf(message.manifest), message, { signal })
      if (!isWhole(chunks)) return undefined
      if (message.type === 'askOutline') return hooksOf(idsOf(chunks))
      const references = message.references.map((one) => ({ ...manifestOf(one), ranges: one.ranges }))
      const list = await readReferences(reading, references, { signal })
      const read = (ids: readonly ChunkId[]) => readChunks(store, space, ids, { signal })
      return encodeRecipe(await makeEdges(await makeRecipe(chunks, list), list, read))
    } catch (error) {
      if (!signal.aborted) log.warn({ error }, 'A question of a peer about a manifest could not be answered.')
      return undefined
    }
  }
}

function manifestOf({ root, depth, chunks, size }: AskOutlineMessage['manifest']): SizedManifest {
  return { content: { kind: 'manifest', root: chunkId.fromBytes(root), depth, chunkCount: chunks }, size }
}

function isWhole(chunks: readonly (ChunkRef | undefined)[]): chunks is readonly ChunkRef[] {
  return chunks.every((chunk) => chunk !== undefined)
}

function* idsOf(chunks: readonly ChunkRef[]): Generator<ChunkId> {
  for (const { id } of chunks) yield id
}

import type { AbortOptions } from '@dittofs/interface'
import type { EchoAnswer, EchoQuestion } from '@dittofs/sync'
import { withOwnDirectory } from './own-directory.ts'
import { type CreateStore, contentDigest, readBack, storeCut, withStore } from './own-store.ts'
import { PATTERNS } from './patterns.ts'

/** Patterns of all devices that may wait their turn; each is up to a megabyte of memory. */
const MAX_WAITING = 4

export interface EchoDeskInit {
  /** An existing directory on the disk that content is kept on. */
  directory: string
  createStore: CreateStore
  /** Milliseconds since the Unix epoch. */
  now: () => number
}

/**
 * Answers devices that check what becomes of content here: each pattern goes through a store of its own, which is closed,
 * opened and removed again, so that nothing stays whenever the other stops asking. One at a time, whoever asks.
 */
export class EchoDesk {
  readonly #init: EchoDeskInit
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(init: EchoDeskInit) {
    this.#init = init
  }

  /** @returns `undefined` where too many wait. @throws what the disk does, and the signal's reason */
  readonly answer = (question: EchoQuestion, { signal }: Required<AbortOptions>): Promise<EchoAnswer | undefined> => {
    if (this.#waiting >= MAX_WAITING) return Promise.resolve(undefined)
    this.#waiting++
    const answer = this.#last.then(async () => {
      signal.throwIfAborted()
      return this.#take(question)
    })
    this.#last = answer
      .catch(() => undefined)
      .finally(() => {
        this.#waiting--
      })
    return answer
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    await this.#last
  }

  #take({ pattern, seed, bytes }: EchoQuestion): Promise<EchoAnswer> {
    const { directory, createStore, now } = this.#init
    return withOwnDirectory(directory, now(), async (place) => {
      const cut = await withStore(place, createStore, (store) => storeCut(store, bytes))
      const read = await withStore(place, createStore, async (store) => {
        const all: Uint8Array[] = []
        for (const { content } of cut) {
          const found = await readBack(store, content, bytes.length)
          if (typeof found === 'string') throw new Error(found)
          all.push(found)
        }
        return all
      })
      const differsAt = firstDifferent(PATTERNS[pattern]?.make(bytes.length, seed) ?? bytes, bytes)
      return {
        // One that differs says more than one that does not.
        bytes: read.find((found) => Buffer.compare(found, bytes) !== 0) ?? bytes,
        digests: Buffer.concat(cut.map(({ content }) => contentDigest(content))),
        ...(differsAt !== undefined && { differsAt }),
      }
    })
  }
}

function firstDifferent(expected: Uint8Array, found: Uint8Array): number | undefined {
  if (Buffer.compare(expected, found) === 0) return undefined
  return expected.findIndex((byte, at) => byte !== found[at])
}

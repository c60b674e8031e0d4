import { type AbortOptions, CHUNKERS, type ChunkStore } from '@dittofs/interface'
import type { EchoAnswer, EchoQuestion } from '@dittofs/sync'
import { CONTENT_DIGEST_BYTES } from '@dittofs/wire'
import { firstDifference } from './first-difference.ts'
import { contentDigest, storeCut } from './own-store.ts'
import { PATTERNS } from './patterns.ts'

export interface EchoCheckInit {
  /** Open, and this check's alone: each pattern is cut and hashed here as well. */
  store: ChunkStore
  /** ECHO_SEED_BYTES bytes. */
  seed: Uint8Array
  sizes: readonly number[]
  /** Takes one pattern to the other device and back. */
  ask: (question: EchoQuestion, options: AbortOptions) => Promise<EchoAnswer>
}

/** What came of a check of another device. */
export interface EchoCheckResult {
  readonly contents: number
  readonly bytes: number
  /** Sentences without their full stop; none where all is well. */
  readonly faults: readonly string[]
}

/** Takes every pattern in every size to another device, through its store and back, and compares what came of it. */
export async function echoCheck(init: EchoCheckInit, options: AbortOptions = {}): Promise<EchoCheckResult> {
  const { store, seed, sizes, ask } = init
  const faults: string[] = []
  let contents = 0
  let bytes = 0
  for (const [number, pattern] of PATTERNS.entries()) {
    for (const size of sizes) {
      options.signal?.throwIfAborted()
      const sent = pattern.make(size, seed)
      const own = await storeCut(store, sent)
      const answer = await ask({ pattern: number, seed, bytes: sent }, options)
      const digests = own.map(({ content }) => contentDigest(content))
      faults.push(...compareEcho(sent, digests, answer).map((fault) => `${pattern.name}, ${size} bytes: ${fault}`))
      contents++
      bytes += size
    }
  }
  return { contents, bytes, faults }
}

/**
 * What is wrong with an answer.
 *
 * @param digests - of the content as it was cut here, in the order of CHUNKERS
 */
export function compareEcho(sent: Uint8Array, digests: readonly Uint8Array[], answer: EchoAnswer): string[] {
  const faults: string[] = []
  const difference = firstDifference(sent, answer.bytes)
  if (difference !== undefined) faults.push(`of what came back ${difference}`)
  if (answer.differsAt !== undefined) {
    faults.push(`what arrived there is not the pattern as it is made there, from byte ${answer.differsAt} on`)
  }
  for (const [index, digest] of digests.entries()) {
    const at = index * CONTENT_DIGEST_BYTES
    if (Buffer.compare(digest, answer.digests.subarray(at, at + CONTENT_DIGEST_BYTES)) === 0) continue
    faults.push(`it is cut or hashed otherwise there (${CHUNKERS[index]})`)
  }
  return faults
}

import { createRequire } from 'node:module'
import { type ChunkId, chunkId } from '@dittofs/interface'

/** Which implementation of BLAKE3 computes; both give the same hashes. */
export const BLAKE3_KINDS = ['native', 'wasm'] as const
export type Blake3Kind = (typeof BLAKE3_KINDS)[number]

/** Unkeyed BLAKE3 with 32 bytes of output. */
export interface Blake3 {
  readonly kind: Blake3Kind
  /** @returns 32 bytes, owned by the caller */
  hash(bytes: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)

/**
 * Loads BLAKE3: the native one where its optional package is installed and loads, else `blake3-wasm`.
 *
 * @param kind - the implementation to insist on; the fastest available when absent
 * @throws Error when `native` is insisted on and not installed
 */
export function loadBlake3(kind?: Blake3Kind): Blake3 {
  if (kind === 'wasm') return loadWasm()
  try {
    return loadNative()
  } catch (error) {
    if (kind === 'native') throw error
    return loadWasm()
  }
}

/** What `DITTOFS_BLAKE3` asks for: `wasm`, `native`, or nothing. The caller reads it once and passes the result on. */
export function blake3KindFromEnvironment(environment: NodeJS.ProcessEnv): Blake3Kind | undefined {
  return BLAKE3_KINDS.find((kind) => kind === environment.DITTOFS_BLAKE3)
}

/** The chunk ID of these bytes. */
export function chunkIdOf(blake3: Blake3, bytes: Uint8Array): ChunkId {
  return chunkId.fromBytes(blake3.hash(bytes))
}

// `require` and not `import`: both are CommonJS packages with a file of machine code beside them, so a bundle of this
// package has to leave them where they are installed; and the native one may be absent.
function loadNative(): Blake3 {
  const native = require('@napi-rs/blake-hash') as typeof import('@napi-rs/blake-hash')
  return { kind: 'native', hash: (bytes) => native.blake3(bytes) }
}

function loadWasm(): Blake3 {
  const wasm = require('blake3-wasm') as typeof import('blake3-wasm')
  return { kind: 'wasm', hash: (bytes) => wasm.hash(bytes) as Uint8Array }
}

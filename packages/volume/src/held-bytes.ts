import type { ChunkId, ChunkStore, Clock, ContentRef, FileContent, ReadManifest, SpaceId } from '@dittofs/interface'

/** How long a count of a large file is good for. */
const FRESH_MS = 10_000
/** Pause after a count, as a multiple of the time it took: a file that changes all the time is not counted all the time. */
const PAUSE_FACTOR = 20
const MAX_COUNTS = 1024

type ManifestRef = Extract<ContentRef, { kind: 'manifest' }>

export interface HeldBytesInit {
  store: ChunkStore
  space: SpaceId
  readManifest: ReadManifest
  clock: Clock
  signal: AbortSignal
}

/**
 * How many bytes of files are here: exactly for small files; for large ones as last counted, which happens in the
 * background, one file at a time, when somebody asks.
 */
export class HeldBytes {
  readonly #init: HeldBytesInit
  readonly #counts = new Map<ChunkId, { readonly bytes: number; readonly at: number }>()
  #isCounting = false
  /** When the next count may begin. */
  #pauseUntil = 0

  constructor(init: HeldBytesInit) {
    this.#init = init
  }

  /** For each file, in the order given; 0 for what is no file. */
  async of(files: readonly (FileContent | undefined)[]): Promise<number[]> {
    const { store, space } = this.#init
    const ids = files.flatMap((file) => askedOf(file))
    const held = ids.length === 0 ? [] : await store.has(space, ids)
    let at = 0
    return files.map((file) => {
      if (file === undefined) return 0
      if (file.content.kind === 'manifest') return held[at++] === true ? this.#counted(file, file.content) : 0
      let bytes = 0
      for (const { length } of file.content.chunks) if (held[at++] === true) bytes += length
      return bytes
    })
  }

  #counted(file: FileContent, content: ManifestRef): number {
    const { clock, signal } = this.#init
    const known = this.#counts.get(content.root)
    const now = clock.monotonic()
    const isFresh = known !== undefined && now - known.at < FRESH_MS
    if (!isFresh && !this.#isCounting && now >= this.#pauseUntil && !signal.aborted) {
      this.#isCounting = true
      void this.#count(file, content.root).finally(() => {
        this.#isCounting = false
        const end = clock.monotonic()
        this.#pauseUntil = end + (end - now) * PAUSE_FACTOR
      })
    }
    return known?.bytes ?? file.size
  }

  async #count(file: FileContent, root: ChunkId): Promise<void> {
    const { store, space, readManifest, clock, signal } = this.#init
    let bytes = 0
    try {
      for await (const step of readManifest(store, space, file.content, file.size, { signal })) {
        if (step.kind === 'missing') continue
        const held = await store.has(
          space,
          step.run.chunks.map(({ id }) => id),
        )
        for (const [index, { length }] of step.run.chunks.entries()) if (held[index] === true) bytes += length
      }
    } catch {
      // A manifest that cannot be read, or the volume closing: what was counted so far is what can be said.
    }
    this.#counts.delete(root)
    this.#counts.set(root, { bytes, at: clock.monotonic() })
    if (this.#counts.size <= MAX_COUNTS) return
    for (const oldest of this.#counts.keys()) {
      this.#counts.delete(oldest)
      break
    }
  }
}

function askedOf(file: FileContent | undefined): ChunkId[] {
  if (file === undefined) return []
  return file.content.kind === 'manifest' ? [file.content.root] : file.content.chunks.map(({ id }) => id)
}

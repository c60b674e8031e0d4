import type { ChunkId, ChunkStore, Clock, ContentRef, FileContent, ReadManifest, SpaceId } from '@dittofs/interface'

/** How long a count of a large file is good for. */
const FRESH_MS = 10_000
/** Pause after a count, as a multiple of the time it took: a file that changes all the time is not counted all the time. */
const PAUSE_FACTOR = 20
const MAX_COUNTS = 1024
/** Chunks that were here when somebody last looked. */
const MAX_SEEN = 16_384

type ManifestRef = Extract<ContentRef, { kind: 'manifest' }>

export interface HeldBytesInit {
  store: ChunkStore
  space: SpaceId
  readManifest: ReadManifest
  clock: Clock
  signal: AbortSignal
}

/**
 * How many bytes of files are here. Of small files the count is right, but that chunks which were here FRESH_MS ago at most
 * are taken to be here still. Large ones are as last counted, which happens in the background, one file at a time, when
 * somebody asks.
 */
export class HeldBytes {
  readonly #init: HeldBytesInit
  readonly #counts = new Map<ChunkId, { readonly bytes: number; readonly at: number }>()
  /** When chunks were last seen here, the oldest first. */
  readonly #seen = new Map<ChunkId, number>()
  #isCounting = false
  /** When the next count may begin. */
  #pauseUntil = 0

  constructor(init: HeldBytesInit) {
    this.#init = init
  }

  /** For each file, in the order given; 0 for what is no file. */
  async of(files: readonly (FileContent | undefined)[]): Promise<number[]> {
    const { store, space, clock } = this.#init
    const since = clock.monotonic() - FRESH_MS
    const ids = files.flatMap((file) => askedOf(file)).filter((id) => !((this.#seen.get(id) ?? since) > since))
    const held = ids.length === 0 ? [] : await store.has(space, ids)
    const isLacking = new Set(ids.filter((_, index) => held[index] !== true))
    this.#note(ids.filter((id) => !isLacking.has(id)))
    return files.map((file) => {
      if (file === undefined) return 0
      const { content } = file
      if (content.kind === 'manifest') return isLacking.has(content.root) ? 0 : this.#counted(file, content)
      let bytes = 0
      for (const { id, length } of content.chunks) if (!isLacking.has(id)) bytes += length
      return bytes
    })
  }

  /** Takes note that a content is here: it was just stored. */
  stored(content: ContentRef): void {
    this.#note(content.kind === 'manifest' ? [content.root] : content.chunks.map(({ id }) => id))
  }

  #note(ids: readonly ChunkId[]): void {
    const now = this.#init.clock.monotonic()
    for (const id of ids) {
      this.#seen.delete(id)
      this.#seen.set(id, now)
    }
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MAX_SEEN) break
      this.#seen.delete(oldest)
    }
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

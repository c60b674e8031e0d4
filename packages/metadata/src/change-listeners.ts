import type { Logger, MetadataChange, MetadataStore, SpaceId, Unsubscribe } from '@dittofs/interface'

export type ChangeListener = Parameters<MetadataStore['onChange']>[0]

/** Who is told of changes. A listener that fails is logged, and keeps nobody else from being told. */
export class ChangeListeners {
  readonly #space: SpaceId
  readonly #logger: Logger
  readonly #listeners = new Set<ChangeListener>()

  constructor({ space, logger }: { readonly space: SpaceId; readonly logger: Logger }) {
    this.#space = space
    this.#logger = logger
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  add(listener: ChangeListener): Unsubscribe {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(change: MetadataChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch (error) {
        this.#logger.error({ error, space: this.#space }, 'a listener for changes failed')
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}

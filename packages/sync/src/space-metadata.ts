import type { DeviceKey, MetadataStore, ReplacedLogs, Unsubscribe } from '@dittofs/interface'

/** Gets what a space's metadata changed by, unless the change came from itself. */
export interface ChangeReceiver {
  changed(messages: readonly Uint8Array[]): void
}

/**
 * One space's metadata between its store and the sessions: takes the messages of peers one at a time, and passes each
 * change on to everyone but the one it came from.
 */
export class SpaceMetadata {
  readonly store: MetadataStore
  readonly #receivers = new Set<ChangeReceiver>()
  readonly #unsubscribe: Unsubscribe
  #turn: Promise<unknown> = Promise.resolve()
  #origin: ChangeReceiver | undefined
  #digest: Uint8Array | undefined

  constructor(store: MetadataStore, onChange: (paths: readonly string[] | undefined) => void) {
    this.store = store
    this.#unsubscribe = store.onChange(({ messages, isLocal, paths }) => {
      this.#digest = undefined
      const origin = isLocal ? undefined : this.#origin
      for (const receiver of this.#receivers) if (receiver !== origin) receiver.changed(messages)
      onChange(paths)
    })
  }

  join(receiver: ChangeReceiver): Unsubscribe {
    this.#receivers.add(receiver)
    return () => {
      this.#receivers.delete(receiver)
    }
  }

  /** As {@link MetadataStore.receive}, after the messages before it. */
  receive(
    message: Uint8Array,
    from: DeviceKey,
    isWriter: boolean,
    origin: ChangeReceiver,
  ): Promise<Iterable<Uint8Array>> {
    return this.#inTurn(async () => {
      this.#origin = origin
      try {
        return await this.store.receive(message, from, isWriter)
      } finally {
        this.#origin = undefined
      }
    })
  }

  /** As {@link MetadataStore.replaceLogs}, after the messages before it; every session hears of what is new. */
  replaceLogs(updates: readonly Uint8Array[], owner: DeviceKey): Promise<ReplacedLogs> {
    return this.#inTurn(() => this.store.replaceLogs(updates, owner))
  }

  /** As {@link MetadataStore.digest}, computed at most once between two changes. */
  digest(): Uint8Array {
    this.#digest ??= this.store.digest()
    return this.#digest
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.#turn
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

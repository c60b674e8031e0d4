import type { KeyValueChange, KeyValueStore } from '../../src/key-value-store.ts'

/** Keeps what was written, as a disk does when a process ends; can be slow and can fail. */
export class MemoryKeyValueStore implements KeyValueStore {
  readonly #values = new Map<string, Uint8Array>()
  /** Awaited before each write takes effect; what it throws fails the write. */
  beforeWrite: (changes: readonly KeyValueChange[]) => Promise<void> = async () => {}

  async *entries(prefix: string): AsyncGenerator<readonly [string, Uint8Array]> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort()
    for (const key of keys) yield [key, this.#values.get(key) as Uint8Array]
  }

  async write(changes: readonly KeyValueChange[]): Promise<void> {
    await this.beforeWrite(changes)
    for (const change of changes) {
      if (change.type === 'put') this.#values.set(change.key, change.value)
      else this.#values.delete(change.key)
    }
  }
}

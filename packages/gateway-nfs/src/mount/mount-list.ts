import { MAX_MOUNT_ENTRIES } from '../limits.ts'

export interface MountEntry {
  readonly address: string
  /** As the client wrote it. */
  readonly path: string
}

/** Who has mounted what, as clients said so: for people who want to look (RFC 1813 5.2.2). Nothing depends on it. */
export class MountList {
  /** Oldest first. */
  readonly #entries = new Map<string, MountEntry>()

  add(entry: MountEntry): void {
    this.remove(entry)
    this.#entries.set(keyOf(entry), entry)
    if (this.#entries.size <= MAX_MOUNT_ENTRIES) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  remove(entry: MountEntry): void {
    this.#entries.delete(keyOf(entry))
  }

  removeAll(address: string): void {
    for (const [key, entry] of this.#entries) if (entry.address === address) this.#entries.delete(key)
  }

  all(): readonly MountEntry[] {
    return [...this.#entries.values()]
  }
}

function keyOf({ address, path }: MountEntry): string {
  return `${address} ${path}`
}

import type { DeviceKey } from '@dittofs/interface'

/** Message IDs remembered of each sender. */
const WINDOW = 4096

/**
 * Takes no message twice: remembers the last 4,096 message IDs of each sender.
 *
 * Only for senders that are known members: their number bounds what is kept.
 */
export class ReplayWindow {
  /** A set keeps the order in which its values came, so the first is the oldest. */
  readonly #seen = new Map<DeviceKey, Set<string>>()

  /** @returns whether the ID is new; it is remembered from now on */
  accept(sender: DeviceKey, id: Uint8Array): boolean {
    const key = Buffer.from(id).toString('latin1')
    let seen = this.#seen.get(sender)
    if (seen === undefined) {
      seen = new Set()
      this.#seen.set(sender, seen)
    }
    if (seen.has(key)) return false
    seen.add(key)
    if (seen.size > WINDOW) for (const oldest of seen) return seen.delete(oldest)
    return true
  }
}

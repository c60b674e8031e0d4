import type { ChunkerKind, DeviceKey, Member, Membership, Role, SpaceId, Unsubscribe } from '@dittofs/interface'

type Listener = (removed: readonly DeviceKey[]) => void

/** Members as a test says they are. */
export class TestMembership implements Membership {
  readonly space: SpaceId
  readonly chunker: ChunkerKind = 'fastcdc'
  readonly meet = new Uint8Array(32)
  readonly #members = new Map<DeviceKey, Member>()
  readonly #removed = new Set<DeviceKey>()
  readonly #listeners = new Set<Listener>()

  constructor(space: SpaceId, members: readonly DeviceKey[]) {
    this.space = space
    for (const key of members) this.#members.set(key, { key, name: key.slice(0, 6), role: 'full', addedBy: key })
  }

  members(): readonly Member[] {
    return [...this.#members.values()]
  }

  role(device: DeviceKey): Role | undefined {
    return this.#members.get(device)?.role
  }

  wasRemoved(device: DeviceKey): boolean {
    return this.#removed.has(device)
  }

  statements(): readonly Uint8Array[] {
    return []
  }

  async receive(): Promise<number> {
    return 0
  }

  async add(key: DeviceKey, name: string, role: Role): Promise<void> {
    this.#members.set(key, { key, name, role, addedBy: key })
    for (const listener of this.#listeners) listener([])
  }

  async remove(device: DeviceKey): Promise<readonly Member[]> {
    const member = this.#members.get(device)
    this.#members.delete(device)
    this.#removed.add(device)
    for (const listener of this.#listeners) listener([device])
    return member === undefined ? [] : [member]
  }

  async leave(): Promise<void> {
    throw new TypeError('no test leaves')
  }

  onChange(listener: Listener): Unsubscribe {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}

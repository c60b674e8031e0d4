import type { ChunkerKind } from './chunk-store.ts'
import type { Unsubscribe } from './common.ts'
import type { DeviceKey, SpaceId } from './ids.ts'

/** `full` reads, writes, invites and removes; `read` reads. */
export const ROLES = ['full', 'read'] as const
export type Role = (typeof ROLES)[number]

export interface Member {
  readonly key: DeviceKey
  /** A label its device or inviter gave; unique to nobody, trusted for nothing. */
  readonly name: string
  readonly role: Role
  /** Whoever added it; the first device added itself. */
  readonly addedBy: DeviceKey
}

/**
 * Who may hold one space: a grow-only set of signed statements and the pure rule that reads it (SECURITY.md 4).
 */
export interface Membership {
  readonly space: SpaceId
  readonly chunker: ChunkerKind
  /** 32 bytes that members share: knock and announcements derive from it. Secret. */
  readonly meet: Uint8Array

  members(): readonly Member[]
  role(device: DeviceKey): Role | undefined
  /** Whether it was a member once and is none now. */
  wasRemoved(device: DeviceKey): boolean

  /** All statements, parents first, as the bytes received. */
  statements(): readonly Uint8Array[]
  /**
   * Takes statements of a peer; durable on return. What is known already changes nothing. Of a batch with a bad one,
   * those before it are kept.
   *
   * @param from - who brought them: the rate at which one peer may bring new ones is limited
   * @returns how many were new
   * @throws DittoError DITTO_STATEMENT_INVALID, DITTO_LIMIT
   */
  receive(statements: readonly Uint8Array[], from?: DeviceKey): Promise<number>

  /** Signed by this device and durable on return. @throws DittoError DITTO_ROLE, DITTO_LIMIT */
  add(device: DeviceKey, name: string, role: Role): Promise<void>
  /** @returns the devices that leave with it, because it had added them. @throws DittoError DITTO_ROLE, DITTO_NOT_FOUND */
  remove(device: DeviceKey): Promise<readonly Member[]>
  leave(): Promise<void>

  /** Called after a change of the set is durable, with the keys that are no members any more because of it. */
  onChange(listener: (removed: readonly DeviceKey[]) => void): Unsubscribe
}

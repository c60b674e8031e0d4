import type { DeviceId, SpaceId } from './ids.ts'
import type { Role } from './membership.ts'

export interface InviteOptions {
  space?: string
  /** Milliseconds, at most 30 days. Default one hour. */
  expiresInMs?: number
  role?: Role
  /** Whether a person here has to confirm the device that comes with the ticket. Default `false`. */
  confirm?: boolean
}

export interface Invitation {
  readonly ticket: string
  /** Hex of the ticket's ID, by which `revoke` names it. */
  readonly id: string
  readonly space: { readonly id: SpaceId; readonly name: string }
  readonly role: Role
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
  /** Whether `confirmInvitation` has to let the device in that comes with the ticket. */
  readonly hasConfirmation: boolean
}

/** A device that came with a ticket and waits for a person to confirm it. */
export interface WaitingDevice {
  readonly id: DeviceId
  /** What it calls itself: anything at all. */
  readonly name: string
  /** Six; it is the right device if it shows the same ones. */
  readonly digits: string
}

export interface OpenInvitation extends Omit<Invitation, 'ticket'> {
  readonly state: 'open' | 'used' | 'expired' | 'revoked'
  readonly usedBy?: DeviceId
  readonly waiting: readonly WaitingDevice[]
}

export interface JoinResult {
  readonly space: { readonly id: SpaceId; readonly name: string }
  readonly role: Role
  readonly peer: { readonly id: DeviceId; readonly name: string }
}

import { type DeviceKey, DittoError, deviceKey, ROLES, type Role, type SpaceId, spaceId } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from '@dittofs/wire'
import type { TicketKeys } from './shared-secrets.ts'

/** A dead ticket's holder is told the reason for this long. */
export const DEAD_INVITATION_MS = 30 * 24 * 60 * 60 * 1000

export type InvitationState = 'open' | 'used' | 'expired' | 'revoked'

/** What the inviter keeps of a ticket: not its secret. */
export interface Invitation {
  readonly keys: TicketKeys
  readonly space: SpaceId
  readonly role: Role
  /** Milliseconds since the Unix epoch, like all times here. */
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedBy?: DeviceKey
  readonly usedAt?: number
  /** Whether the statement that adds `usedBy` is durable: from then on only membership decides. */
  readonly isAdmitted?: boolean
  readonly revokedAt?: number
  /** Whether a person has to say yes to the device that comes with it. */
  readonly hasConfirmation?: boolean
}

export function invitationState(invitation: Invitation, now: number): InvitationState {
  if (invitation.revokedAt !== undefined) return 'revoked'
  if (invitation.usedBy !== undefined) return 'used'
  return now >= invitation.expiresAt ? 'expired' : 'open'
}

/** Since when it is of no use; `undefined` while it is open. */
export function deadSince(invitation: Invitation, now: number): number | undefined {
  if (invitationState(invitation, now) === 'open') return undefined
  return invitation.revokedAt ?? invitation.usedAt ?? invitation.expiresAt
}

export function encodeInvitation(invitation: Invitation): Uint8Array {
  return encodeCbor({
    ...invitation,
    space: spaceId.toBytes(invitation.space),
    ...(invitation.usedBy !== undefined && { usedBy: deviceKey.toBytes(invitation.usedBy) }),
  })
}

/** @throws DittoError DITTO_STORE_CORRUPT */
export function decodeInvitation(bytes: Uint8Array): Invitation {
  const map = fieldsOf(decodeCbor(bytes))
  const keys = fieldsOf(map.get('keys'))
  const role = ROLES.find((name) => name === map.get('role'))
  if (role === undefined) throw corrupt()
  const usedBy = map.get('usedBy')
  return {
    keys: {
      id: bytesOf(keys.get('id')),
      knock: bytesOf(keys.get('knock')),
      find: bytesOf(keys.get('find')),
      join: bytesOf(keys.get('join')),
    },
    space: spaceId.fromBytes(bytesOf(map.get('space'))),
    role,
    createdAt: numberOf(map.get('createdAt')),
    expiresAt: numberOf(map.get('expiresAt')),
    ...(usedBy !== undefined && { usedBy: deviceKey.fromBytes(bytesOf(usedBy)) }),
    ...(map.has('usedAt') && { usedAt: numberOf(map.get('usedAt')) }),
    ...(map.has('revokedAt') && { revokedAt: numberOf(map.get('revokedAt')) }),
    ...(map.get('isAdmitted') === true && { isAdmitted: true }),
    ...(map.get('hasConfirmation') === true && { hasConfirmation: true }),
  }
}

function fieldsOf(value: unknown): Map<unknown, unknown> {
  if (!(value instanceof Map)) throw corrupt()
  return value
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw corrupt()
  return value
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw corrupt()
  return value
}

function corrupt(): DittoError {
  return new DittoError('DITTO_STORE_CORRUPT', 'The stored list of invitations is damaged: restore it from a backup.')
}

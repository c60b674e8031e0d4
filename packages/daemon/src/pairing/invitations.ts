import { DittoError, type Invitation, type InviteOptions, type OpenInvitation } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { DeviceParts } from '../device-parts.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

type Parts = Pick<DeviceParts, 'memberships' | 'spaces' | 'identity' | 'network' | 'confirmations'>

/** @throws DittoError DITTO_ROLE, DITTO_USAGE (expires too late or too soon), DITTO_LIMIT */
export async function inviteTo(parts: Parts, space: OpenSpace, options: InviteOptions): Promise<Invitation> {
  if (space.membership.role(parts.identity.key) !== 'full') {
    throw new DittoError(
      'DITTO_ROLE',
      `This device may not invite to ${JSON.stringify(space.name)}: it may only read. Ask a device that may.`,
    )
  }
  const { role, expiresInMs, confirm } = options
  const { id, ticket, ...created } = await parts.memberships.invitations.create({
    space: space.id,
    addresses: parts.network?.addresses() ?? [],
    ...(role === undefined ? {} : { role }),
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
    ...(confirm === undefined ? {} : { hasConfirmation: confirm }),
  })
  parts.network?.secretsChanged()
  const { expiresAt, hasConfirmation } = created
  return { id, ticket, space: { id: space.id, name: space.name }, role: created.role, expiresAt, hasConfirmation }
}

/** The oldest first; dead ones for 30 days. */
export function listInvitations(parts: Parts): OpenInvitation[] {
  const invitations = parts.memberships.invitations.list().filter(({ space }) => parts.spaces.get(space) !== undefined)
  return invitations.map(({ id, space, role, expiresAt, state, usedBy, hasConfirmation }) => ({
    id,
    space: { id: space, name: parts.spaces.get(space)?.name ?? '' },
    role,
    expiresAt,
    state,
    hasConfirmation,
    waiting: parts.confirmations.waiting(id),
    ...(usedBy === undefined ? {} : { usedBy: deviceId(usedBy) }),
  }))
}

/** Closes an open invitation, and sends away who waits with it. @throws DittoError DITTO_NOT_FOUND, DITTO_TICKET_USED */
export async function revokeInvitation(parts: Parts, id: string): Promise<void> {
  await parts.memberships.invitations.revoke(id)
  parts.confirmations.decline(id)
  parts.network?.secretsChanged()
}

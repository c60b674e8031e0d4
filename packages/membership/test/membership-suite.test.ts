import type { Membership } from '@dittofs/interface'
import { membershipSuite } from '@dittofs/testing'
import type { SpaceMembership } from '../src/space-membership.ts'
import { openTestMemberships } from './support/open-test-memberships.ts'
import { testDevice } from './support/test-device.ts'

type Opened = Awaited<ReturnType<typeof openTestMemberships>>
/** Whose each is, to open it again. */
const homes = new Map<Membership, Opened>()

function kept(membership: SpaceMembership, home: Opened): SpaceMembership {
  homes.set(membership, home)
  return membership
}

membershipSuite('space membership', {
  keyOf: (device) => testDevice(device).key,
  create: async () => {
    const home = await openTestMemberships(testDevice('alice'))
    return kept(await home.memberships.createSpace({ name: 'home', deviceName: 'laptop' }), home)
  },
  join: async (device, from) => {
    const home = await openTestMemberships(testDevice(device))
    const inviter = from.members().find(({ role }) => role === 'full')?.key ?? home.signer.key
    const { space, meet } = from
    const role = from.role(home.signer.key) ?? 'read'
    const statements = from.statements()
    return kept(await home.memberships.acceptSpace({ space, name: 'home', meet, statements, role, inviter }), home)
  },
  reopen: async (membership) => {
    const { signer, store, clock } = homes.get(membership) as Opened
    const { memberships } = await openTestMemberships(signer, { store, clock })
    return memberships.get(membership.space) as SpaceMembership
  },
})

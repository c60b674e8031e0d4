import { createHash } from 'node:crypto'
import { type DeviceKey, deviceKey, type Membership, spaceId } from '@dittofs/interface'
import { membershipSuite, memoryMembership } from '../src/index.ts'

const keyOf = (name: string): DeviceKey => deviceKey.fromBytes(createHash('sha256').update(name).digest())
let spaces = 0

membershipSuite('memory membership', {
  keyOf,
  create: async () => memoryMembership({ space: spaceId.parse(`${++spaces}`.padStart(64, '0')), self: keyOf('alice') }),
  join: async (device, from: Membership) =>
    memoryMembership({ space: from.space, self: keyOf(device), statements: from.statements() }),
})

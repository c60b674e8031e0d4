import { describe, expect, it } from 'vitest'
import { meetKeys, ticketKeys } from '../src/shared-secrets.ts'
import { decodeTicket } from '../src/ticket.ts'
import { openTestMemberships } from './support/open-test-memberships.ts'
import { testDevice } from './support/test-device.ts'

const [alice, bob, carol] = [testDevice('alice'), testDevice('bob'), testDevice('carol')]
const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR

async function aliceAtHome() {
  const opened = await openTestMemberships(alice)
  const { space, meet } = await opened.memberships.createSpace({ name: 'home', deviceName: 'laptop' })
  return { ...opened, ledger: opened.memberships.invitations, space, meet }
}

describe('InvitationLedger', () => {
  it('makes tickets that name this device, the space, a role and an hour', async () => {
    const { ledger, space, clock } = await aliceAtHome()
    const { ticket, id, expiresAt } = await ledger.create({ space, addresses: ['tcp://192.0.2.7:4100'] })
    const decoded = decodeTicket(ticket)
    expect(decoded).toMatchObject({
      key: alice.key,
      space,
      role: 'full',
      addresses: ['tcp://192.0.2.7:4100'],
      expiresAt,
    })
    expect(expiresAt - clock.now()).toBe(HOUR)
    expect(Buffer.from(ticketKeys(decoded.secret).id).toString('hex')).toBe(id)
  })

  it('stores no secret', async () => {
    const { ledger, space, store } = await aliceAtHome()
    const { ticket } = await ledger.create({ space })
    const secret = Buffer.from(decodeTicket(ticket).secret)
    for await (const [, value] of store.entries('')) expect(Buffer.from(value).includes(secret)).toBe(false)
  })

  it('gives an invitation to the first who claims it, again and again, and to nobody else', async () => {
    const { ledger, space } = await aliceAtHome()
    const { id } = await ledger.create({ space, role: 'read' })
    const granted = { outcome: 'granted', space, role: 'read', isAdmitted: false }
    const claims = await Promise.all([
      ledger.claim(id, bob.key),
      ledger.claim(id, carol.key),
      ledger.claim(id, bob.key),
    ])
    expect(claims).toMatchObject([granted, { outcome: 'used', usedBy: bob.key }, granted])
    await ledger.markAdmitted(id)
    expect(await ledger.claim(id, bob.key)).toMatchObject({ isAdmitted: true })
    await expect(ledger.revoke(id)).rejects.toMatchObject({ code: 'DITTO_TICKET_USED' })
  })

  it('grants nothing that it could not write', async () => {
    const { ledger, space, store } = await aliceAtHome()
    const { id } = await ledger.create({ space })
    store.beforeWrite = () => Promise.reject(new Error('disk full'))
    await expect(ledger.claim(id, bob.key)).rejects.toThrow('disk full')
    store.beforeWrite = async () => {}
    expect(await ledger.claim(id, carol.key)).toMatchObject({ outcome: 'granted' })
  })

  it('remembers dead ones for 30 days, for their holders to ask, but calls them no more', async () => {
    const { ledger, space, clock } = await aliceAtHome()
    const { id } = await ledger.create({ space })
    await ledger.revoke(id)
    await ledger.revoke(id)
    expect(ledger.secrets()).toEqual([
      { match: { kind: 'ticket', name: id }, knock: expect.any(Uint8Array) as unknown },
    ])
    clock.pass(30 * DAY - 1)
    expect(await ledger.claim(id, bob.key)).toEqual({ outcome: 'revoked' })
    clock.pass(1)
    expect(await ledger.claim(id, bob.key)).toEqual({ outcome: 'unknown' })
    expect([ledger.list(), ledger.secrets()]).toEqual([[], []])
    await expect(ledger.revoke('00')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })

  it('has at most 64 open and 192 dead', async () => {
    const { ledger, space } = await aliceAtHome()
    for (let i = 0; i < 64; i++) await ledger.create({ space })
    await expect(ledger.create({ space })).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    for (let i = 0; i < 200; i++) {
      await ledger.revoke(ledger.list().find(({ state }) => state === 'open')?.id ?? '')
      await ledger.create({ space })
    }
    expect(ledger.list()).toHaveLength(256)
  })

  it('refuses expiries past 30 days and none at all', async () => {
    const { ledger, space } = await aliceAtHome()
    for (const expiresInMs of [0, -1, Number.NaN, 30 * DAY + 1]) {
      await expect(ledger.create({ space, expiresInMs })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    }
    await expect(ledger.create({ space, expiresInMs: 30 * DAY })).resolves.toMatchObject({ state: 'open' })
  })
})

describe('secrets', () => {
  it('has what a link and announcements need for each space and ticket', async () => {
    const { memberships, ledger, space, meet } = await aliceAtHome()
    const { ticket, id } = await ledger.create({ space })
    const { knock, find } = ticketKeys(decodeTicket(ticket).secret)
    expect(memberships.secrets()).toEqual([
      { match: { kind: 'space', name: space }, ...meetKeys(meet) },
      { match: { kind: 'ticket', name: id }, knock, find },
    ])
  })
})

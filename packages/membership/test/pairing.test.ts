import { randomBytes } from 'node:crypto'
import { memoryLinkPair } from '@dittofs/testing'
import { encodePairingMessage, MESSAGE_TYPE } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import { type AdmitNewcomerResult, admitNewcomer } from '../src/admit-newcomer.ts'
import { confirmDigits } from '../src/confirm-digits.ts'
import type { AskPerson, Newcomer, PersonAnswer } from '../src/confirm-newcomer.ts'
import { joinProof } from '../src/join-proof.ts'
import type { Memberships } from '../src/memberships.ts'
import { CONFIRM_TIMEOUT_MS } from '../src/pairing-channel.ts'
import { redeemTicket } from '../src/redeem-ticket.ts'
import { ticketKeys } from '../src/shared-secrets.ts'
import type { Signer } from '../src/signer.ts'
import { decodeTicket } from '../src/ticket.ts'
import { describeTicketNotice, type TicketNotice } from '../src/ticket-notice.ts'
import { openTestMemberships } from './support/open-test-memberships.ts'
import { keysOf, testDevice } from './support/test-device.ts'

const [alice, bob, carol, mallory] = ['alice', 'bob', 'carol', 'mallory'].map(testDevice) as [
  Signer,
  Signer,
  Signer,
  Signer,
]
type Opened = Awaited<ReturnType<typeof openTestMemberships>>

async function aliceInvites(role: 'full' | 'read' = 'full', hasConfirmation = false) {
  const opened = await openTestMemberships(alice)
  const home = await opened.memberships.createSpace({ name: 'home', deviceName: 'laptop' })
  const invitation = await opened.memberships.invitations.create({ space: home.space, role, hasConfirmation })
  return { inviter: opened, home, invitation, ticket: decodeTicket(invitation.ticket), notices: [] as TicketNotice[] }
}
type Invited = Awaited<ReturnType<typeof aliceInvites>>

/** Where a frame of a pairing can be lost; `admitter` and `joiner` are who sends it. */
type OnFrame = NonNullable<Parameters<typeof memoryLinkPair>[0]['onFrame']>

function pair(invited: Invited, joiner: Opened, onFrame?: OnFrame, confirm?: AskPerson) {
  const { inviter, invitation, ticket, notices } = invited
  const [toInviter, toJoiner] = memoryLinkPair({
    keys: [joiner.signer.key, alice.key],
    match: { kind: 'ticket', name: invitation.id },
    ...(onFrame !== undefined && { onFrame }),
  })
  const shown: string[] = []
  const admitted = admitNewcomer({
    link: toJoiner,
    memberships: inviter.memberships,
    clock: inviter.clock,
    name: 'laptop',
    ...(confirm !== undefined && { confirm }),
    onNotice: (notice) => notices.push(notice),
  })
  const joined = redeemTicket({
    link: toInviter,
    ticket,
    memberships: joiner.memberships,
    clock: joiner.clock,
    name: 'phone',
    platform: 'linux',
    onWait: (digits) => shown.push(digits),
  })
  return { admitted, joined, shown, both: Promise.allSettled([admitted, joined]), toInviter }
}

const restart = ({ signer, store, clock }: Opened) => openTestMemberships(signer, { store, clock })
const memberKeys = (memberships: Memberships) =>
  memberships.spaces().map((space) => space.members().map(({ key }) => key))
const code = (name: string) => expect.objectContaining({ code: name }) as unknown

describe('pairing', () => {
  it('gives the newcomer the space and both sides the same members', async () => {
    const invited = await aliceInvites()
    const joiner = await openTestMemberships(bob)
    const { admitted, joined } = pair(invited, joiner)
    const [atAlice, atBob] = await Promise.all([admitted, joined])
    expect(atAlice).toMatchObject({
      outcome: 'admitted',
      role: 'full',
      peer: { key: bob.key, name: 'phone', platform: 'linux' },
    })
    expect(atBob).toMatchObject({ role: 'full', peer: { key: alice.key, name: 'laptop' } })
    expect(atBob.membership.name).toBe('home')
    expect(atBob.membership.meet).toEqual(invited.home.meet)
    expect(atBob.membership.members()).toEqual(invited.home.members())
    expect(invited.inviter.memberships.invitations.list()).toMatchObject([{ state: 'used', usedBy: bob.key }])
    expect((await restart(joiner)).memberships.spaces()).toHaveLength(1)
  })

  it('gives a reader only reading', async () => {
    const invited = await aliceInvites('read')
    const joiner = await openTestMemberships(bob)
    const { joined } = pair(invited, joiner)
    expect((await joined).role).toBe('read')
  })

  it('refuses a ticket that is used, and tells the inviter who has it', async () => {
    const invited = await aliceInvites()
    await pair(invited, await openTestMemberships(bob)).both
    const { admitted, joined } = pair(invited, await openTestMemberships(carol))
    await expect(joined).rejects.toMatchObject({ code: 'DITTO_TICKET_USED' })
    expect(await admitted).toMatchObject({ outcome: 'refused', reason: 'used' })
    expect(invited.notices).toMatchObject([
      { usedBy: bob.key, refused: carol.key, usedAt: invited.inviter.clock.now() },
    ])
    const text = describeTicketNotice(
      invited.notices[0] as TicketNotice,
      (key) => (key === bob.key ? 'BOB' : 'CAROL') as never,
    )
    expect(text).toContain('dittofs devices remove BOB')
    expect(memberKeys(invited.inviter.memberships)).toEqual([keysOf(alice, bob)])
  })

  it.each([
    ['DITTO_TICKET_EXPIRED', async ({ inviter }: Invited) => inviter.clock.pass(2 * 60 * 60 * 1000)],
    [
      'DITTO_TICKET_REVOKED',
      ({ inviter, invitation }: Invited) => inviter.memberships.invitations.revoke(invitation.id),
    ],
    ['DITTO_TICKET_UNKNOWN', async ({ inviter }: Invited) => inviter.clock.pass(40 * 24 * 60 * 60 * 1000)],
    ['DITTO_TICKET_REVOKED', ({ home }: Invited) => home.leave()],
  ])('refuses with %s', async (expected, happens) => {
    const invited = await aliceInvites()
    await happens(invited)
    const joiner = await openTestMemberships(bob)
    await expect(pair(invited, joiner).joined).rejects.toMatchObject({ code: expected })
    expect(joiner.memberships.spaces()).toEqual([])
    expect(invited.home.role(bob.key)).toBeUndefined()
  })

  it('lets exactly one of two that join at once in, and tells the other', async () => {
    const winners = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const invited = await aliceInvites()
      let state = seed + 1
      const turns = async () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        for (let i = (state >>> 16) % 6; i > 0; i--) await new Promise(setImmediate)
      }
      invited.inviter.store.beforeWrite = turns
      const joiners = [await openTestMemberships(bob), await openTestMemberships(carol)]
      const results = await Promise.all(
        joiners.map(async (joiner) => {
          await turns()
          return pair(invited, joiner).both
        }),
      )
      const joins = results.map(([, joined]) => joined)
      const won = joins.findIndex(({ status }) => status === 'fulfilled')
      expect(joins.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(joins[1 - won]).toMatchObject({ reason: code('DITTO_TICKET_USED') })
      const [winner, loser] = won === 0 ? [bob, carol] : [carol, bob]
      winners.add(winner.key)
      expect(invited.notices).toMatchObject([{ usedBy: winner.key, refused: loser.key }])
      expect(memberKeys(invited.inviter.memberships)).toEqual([keysOf(alice, winner)])
    }
    expect(winners.size).toBe(2)
  })

  it.each(['join', 'joinOk', 'joinDone'] as const)('goes on after the link was cut at %s', async (lost) => {
    const invited = await aliceInvites()
    const joiner = await openTestMemberships(bob)
    await pair(invited, joiner, (payload) => (payload[0] === MESSAGE_TYPE[lost] ? 'cut' : undefined)).both
    const { admitted, joined } = pair(invited, joiner)
    expect(await admitted).toMatchObject({ outcome: 'admitted', peer: { key: bob.key } })
    expect((await joined).membership.members()).toEqual(invited.home.members())
    expect(invited.home.statements()).toHaveLength(2)
  })

  it('goes on after the inviter was killed before or after any of its writes', async () => {
    // Its writes: the claim, the statement, the note that the statement is durable.
    for (const [killedAt, isWritten] of [0, 1, 2].flatMap((i) => [[i, false] as const, [i, true] as const])) {
      const invited = await aliceInvites()
      const { store } = invited.inviter
      const joiner = await openTestMemberships(bob)
      let writes = 0
      let isDead = false
      store.beforeWrite = async (changes) => {
        if (isDead) throw new Error('killed')
        if (writes++ !== killedAt) return
        isDead = true
        store.beforeWrite = async () => {}
        if (isWritten) await store.write(changes)
        store.beforeWrite = () => Promise.reject(new Error('killed'))
        throw new Error('killed')
      }
      const [admitted] = await pair(invited, joiner).both
      expect(admitted).toMatchObject({ status: 'rejected' })
      store.beforeWrite = async () => {}

      const inviter = await restart(invited.inviter)
      const { joined } = pair({ ...invited, inviter }, joiner)
      expect((await joined).membership.members().map(({ key }) => key)).toEqual(keysOf(alice, bob))
      const isClaimed = killedAt > 0 || isWritten
      if (isClaimed) expect(inviter.memberships.spaces()[0]?.statements()).toHaveLength(2)
    }
  })

  it('stays with the device that claimed it, though the inviter was killed right after the claim', async () => {
    const invited = await aliceInvites()
    const { store } = invited.inviter
    let writes = 0
    store.beforeWrite = async () => {
      if (++writes > 1) throw new Error('killed')
    }
    await pair(invited, await openTestMemberships(bob)).both
    store.beforeWrite = async () => {}
    const inviter = await restart(invited.inviter)
    const again = { ...invited, inviter }
    await expect(pair(again, await openTestMemberships(carol)).joined).rejects.toMatchObject({
      code: 'DITTO_TICKET_USED',
    })
    await expect(pair(again, await openTestMemberships(bob)).joined).resolves.toMatchObject({ role: 'full' })
  })

  it('goes on after the joiner was killed before it had stored the space', async () => {
    const invited = await aliceInvites()
    const joiner = await openTestMemberships(bob)
    joiner.store.beforeWrite = () => Promise.reject(new Error('killed'))
    const [admitted] = await pair(invited, joiner).both
    expect(admitted).toMatchObject({ status: 'rejected' })
    joiner.store.beforeWrite = async () => {}
    const again = await restart(joiner)
    expect(again.memberships.spaces()).toEqual([])
    await expect(pair(invited, again).joined).resolves.toMatchObject({ role: 'full' })
  })

  it('does not bring a removed device back with its old ticket, though killed before the note of it', async () => {
    const invited = await aliceInvites()
    const { store } = invited.inviter
    let writes = 0
    store.beforeWrite = async () => {
      if (++writes > 2) throw new Error('killed')
    }
    const joiner = await openTestMemberships(bob)
    await pair(invited, joiner).both
    store.beforeWrite = async () => {}
    const inviter = await restart(invited.inviter)
    await inviter.memberships.spaces()[0]?.remove(bob.key)
    await expect(pair({ ...invited, inviter }, joiner).joined).rejects.toMatchObject({ code: 'DITTO_TICKET_REVOKED' })
    expect(memberKeys(inviter.memberships)).toEqual([[alice.key]])
  })

  it('brings a removed device back with a new ticket', async () => {
    const invited = await aliceInvites()
    const joiner = await openTestMemberships(bob)
    await pair(invited, joiner).both
    await invited.home.remove(bob.key)
    const invitation = await invited.inviter.memberships.invitations.create({ space: invited.home.space })
    const { joined } = pair({ ...invited, invitation, ticket: decodeTicket(invitation.ticket) }, joiner)
    expect((await joined).membership.members().map(({ key }) => key)).toEqual(keysOf(alice, bob))
  })

  it('refuses a proof that was made for another link', async () => {
    const invited = await aliceInvites()
    const joiner = await openTestMemberships(bob)
    const [recordedLink] = memoryLinkPair({ keys: [mallory.key, alice.key] })
    const { id, join } = ticketKeys(invited.ticket.secret)
    const recorded = encodePairingMessage({
      type: 'join',
      ticketId: id,
      tag: joinProof(recordedLink, join),
      name: 'phone',
      platform: 'linux',
    })
    const { admitted } = pair(invited, joiner, (payload) => (payload[0] === MESSAGE_TYPE.join ? recorded : undefined))
    expect(await admitted).toMatchObject({
      outcome: 'refused',
      reason: 'unknown',
    } satisfies Partial<AdmitNewcomerResult>)
    expect(invited.inviter.memberships.invitations.list()).toMatchObject([{ state: 'open' }])
  })

  it('refuses its own ticket, and a device that is not the one of the ticket', async () => {
    const invited = await aliceInvites()
    const redeem = async (self: Signer, peer: Signer) => {
      const [link] = memoryLinkPair({ keys: [self.key, peer.key] })
      const { memberships, clock } = await openTestMemberships(self)
      return redeemTicket({ link, ticket: invited.ticket, memberships, clock, name: '', platform: '' })
    }
    await expect(redeem(alice, bob)).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(redeem(bob, mallory)).rejects.toMatchObject({ code: 'DITTO_PEER_UNTRUSTED' })
  })

  it('joins nothing that is not the space of the ticket, whole, and naming this device', async () => {
    const invited = await aliceInvites()
    const other = await invited.inviter.memberships.createSpace({ name: 'other', deviceName: 'laptop' })
    const lists = [
      [],
      other.statements(),
      invited.home.statements(),
      [...invited.home.statements(), ...other.statements()],
    ]
    for (const statements of lists) {
      const joiner = await openTestMemberships(bob)
      const lie = encodePairingMessage({
        type: 'joinOk',
        spaceName: 'home',
        name: '',
        meet: new Uint8Array(32),
        statements,
      })
      const { both } = pair(invited, joiner, (payload) => (payload[0] === MESSAGE_TYPE.joinOk ? lie : undefined))
      expect((await both)[1]).toMatchObject({ reason: code('DITTO_STATEMENT_INVALID') })
      expect(joiner.memberships.spaces()).toEqual([])
    }
  })

  it('gives up after 30 seconds of silence, on both sides', async () => {
    const invited = await aliceInvites()
    const joiner = await openTestMemberships(bob)
    const [toInviter, toJoiner] = memoryLinkPair({ keys: [bob.key, alice.key] })
    const { memberships, clock } = invited.inviter
    const waiting = admitNewcomer({ link: toJoiner, memberships, clock, name: '', onNotice: () => {} })
    clock.pass(30_000)
    await expect(waiting).rejects.toMatchObject({ code: 'DITTO_LINK_TIMEOUT' })
    expect(await toInviter.closed).toMatchObject({ code: 'DITTO_LINK_CUT' })

    const [silent] = memoryLinkPair({ keys: [bob.key, alice.key] })
    const { ticket } = invited
    const joining = redeemTicket({
      link: silent,
      ticket,
      memberships: joiner.memberships,
      clock: joiner.clock,
      name: '',
      platform: '',
    })
    joiner.clock.pass(30_000)
    await expect(joining).rejects.toMatchObject({ code: 'DITTO_LINK_TIMEOUT' })
  })

  it('can be given up', async () => {
    const { inviter } = await aliceInvites()
    const [, link] = memoryLinkPair({ keys: [bob.key, alice.key] })
    const person = new AbortController()
    const { memberships, clock } = inviter
    const waiting = admitNewcomer({ link, memberships, clock, name: '', onNotice: () => {}, signal: person.signal })
    person.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  })

  it.each([
    ['garbage', randomBytes(100), 'DITTO_PROTOCOL'],
    ['another message', Buffer.of(MESSAGE_TYPE.metadata, 0xa0), 'DITTO_PROTOCOL'],
    ['a message out of turn', encodePairingMessage({ type: 'joinDone' }), 'DITTO_PROTOCOL'],
    ['a bye', Buffer.of(MESSAGE_TYPE.bye), 'DITTO_LINK_CUT'],
    ['more than 64 KiB', Buffer.alloc(64 * 1024 + 1, MESSAGE_TYPE.join), 'DITTO_LIMIT'],
  ])('ends a link that sends %s', async (_, payload, expected) => {
    const { inviter } = await aliceInvites()
    const [toInviter, link] = memoryLinkPair({ keys: [bob.key, alice.key] })
    toInviter.send(payload)
    const { memberships, clock } = inviter
    await expect(admitNewcomer({ link, memberships, clock, name: '', onNotice: () => {} })).rejects.toMatchObject({
      code: expected,
    })
    expect(await toInviter.closed).toBeInstanceOf(Error)
  })
})

describe('pairing with a ticket that has to be confirmed', () => {
  /** A person who is asked, and answers when the test says so. */
  function person() {
    const asked: Newcomer[] = []
    let answer: (answer: PersonAnswer) => void = () => {}
    let wasAsked = () => {}
    const whenAsked = new Promise<void>((resolve) => {
      wasAsked = resolve
    })
    const confirm: AskPerson = (newcomer) => {
      asked.push(newcomer)
      wasAsked()
      return new Promise((resolve) => {
        answer = resolve
      })
    }
    return { asked, whenAsked, confirm, answer: (given: PersonAnswer) => answer(given) }
  }

  it('shows both sides the same six digits, and lets nobody in before the yes', async () => {
    const invited = await aliceInvites('full', true)
    const someone = person()
    const { joined, shown } = pair(invited, await openTestMemberships(bob), undefined, someone.confirm)
    await someone.whenAsked
    await expect.poll(() => shown).toEqual(someone.asked.map(({ digits }) => digits))
    expect(shown[0]).toMatch(/^\d{6}$/)
    expect(someone.asked).toMatchObject([{ ticketId: invited.invitation.id, key: bob.key, name: 'phone' }])
    expect(invited.inviter.memberships.invitations.list()).toMatchObject([{ state: 'open', hasConfirmation: true }])
    expect(memberKeys(invited.inviter.memberships)).toEqual([[alice.key]])
    someone.answer('yes')
    expect((await joined).membership.members().map(({ key }) => key)).toEqual(keysOf(alice, bob))
  })

  it('shows other digits on every link', async () => {
    const joinKey = new Uint8Array(32)
    const [toAlice] = memoryLinkPair({ keys: [bob.key, alice.key] })
    const [toMallory] = memoryLinkPair({ keys: [bob.key, mallory.key] })
    expect(confirmDigits(toAlice, joinKey)).not.toBe(confirmDigits(toMallory, joinKey))
  })

  it('refuses after a no, and the ticket is useless then', async () => {
    const invited = await aliceInvites('full', true)
    const someone = person()
    const { admitted, joined } = pair(invited, await openTestMemberships(bob), undefined, someone.confirm)
    await someone.whenAsked
    someone.answer('no')
    await expect(joined).rejects.toMatchObject({ code: 'DITTO_TICKET_UNCONFIRMED' })
    expect(await admitted).toMatchObject({ outcome: 'refused', reason: 'declined' })
    expect(invited.inviter.memberships.invitations.list()).toMatchObject([{ state: 'revoked' }])
    const again = pair(invited, await openTestMemberships(bob), undefined, someone.confirm)
    await expect(again.joined).rejects.toMatchObject({ code: 'DITTO_TICKET_REVOKED' })
  })

  it('refuses when nobody answers in time, and may be tried again', async () => {
    const invited = await aliceInvites('full', true)
    const someone = person()
    const joiner = await openTestMemberships(bob)
    const { admitted, joined, shown } = pair(invited, joiner, undefined, someone.confirm)
    await someone.whenAsked
    await expect.poll(() => shown).toHaveLength(1)
    joiner.clock.pass(CONFIRM_TIMEOUT_MS)
    invited.inviter.clock.pass(CONFIRM_TIMEOUT_MS)
    await expect(joined).rejects.toMatchObject({ code: 'DITTO_TICKET_UNCONFIRMED' })
    expect(await admitted).toMatchObject({ reason: 'unconfirmed' })
    const second = person()
    const again = pair(invited, joiner, undefined, second.confirm)
    await second.whenAsked
    second.answer('yes')
    expect((await again.joined).role).toBe('full')
  })

  it('refuses where there is nobody to ask', async () => {
    const invited = await aliceInvites('full', true)
    const { joined } = pair(invited, await openTestMemberships(bob))
    await expect(joined).rejects.toMatchObject({ code: 'DITTO_TICKET_UNCONFIRMED' })
  })

  it('asks no more when the newcomer goes away', async () => {
    const invited = await aliceInvites('full', true)
    const someone = person()
    const { admitted, joined, toInviter } = pair(invited, await openTestMemberships(bob), undefined, someone.confirm)
    joined.catch(() => undefined)
    await someone.whenAsked
    toInviter.abort(new Error('gone'))
    await expect(admitted).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
    expect(invited.inviter.memberships.invitations.list()).toMatchObject([{ state: 'open' }])
  })

  it('does not ask again for a device that was let in and comes back', async () => {
    const invited = await aliceInvites('full', true)
    const someone = person()
    const joiner = await openTestMemberships(bob)
    joiner.store.beforeWrite = () => Promise.reject(new Error('killed'))
    const first = pair(invited, joiner, undefined, someone.confirm)
    await someone.whenAsked
    someone.answer('yes')
    await first.both
    joiner.store.beforeWrite = async () => {}
    await expect(pair(invited, joiner).joined).resolves.toMatchObject({ role: 'full' })
    expect(someone.asked).toHaveLength(1)
  })

  it('tells the newcomer that another was let in', async () => {
    const invited = await aliceInvites('full', true)
    const someone = person()
    const { joined } = pair(invited, await openTestMemberships(carol), undefined, someone.confirm)
    await someone.whenAsked
    someone.answer('taken')
    await expect(joined).rejects.toMatchObject({ code: 'DITTO_TICKET_USED' })
  })
})

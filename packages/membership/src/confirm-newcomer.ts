import type { AbortOptions, Clock, DeviceKey } from '@dittofs/interface'
import type { JoinNoReason } from '@dittofs/wire'
import type { InvitationLedger } from './invitation-ledger.ts'
import { CONFIRM_TIMEOUT_MS, PAIRING_TIMEOUT_MS, type PairingChannel } from './pairing-channel.ts'

/** Who waits for a person to say yes. */
export interface Newcomer {
  /** Hex. */
  readonly ticketId: string
  readonly key: DeviceKey
  /** What it calls itself: anything at all. */
  readonly name: string
  /** Six, which the newcomer shows as well if it is the one it should be. */
  readonly digits: string
}

/** `taken`: the person let another device in with this ticket meanwhile. */
export type PersonAnswer = 'yes' | 'no' | 'taken'

/** @param options.signal - aborted when the answer does not matter any more */
export type AskPerson = (newcomer: Newcomer, options: { readonly signal: AbortSignal }) => Promise<PersonAnswer>

export interface ConfirmNewcomerInit extends AbortOptions {
  channel: PairingChannel
  clock: Pick<Clock, 'sleep'>
  invitations: Pick<InvitationLedger, 'revoke'>
  confirm?: AskPerson
}

/**
 * Lets a person compare digits before a ticket is claimed. A no makes the ticket useless: who has it is not who should.
 *
 * @returns why not, or nothing when the person said yes
 * @throws DittoError DITTO_LINK_CUT when the newcomer goes away
 */
export async function confirmNewcomer(
  init: ConfirmNewcomerInit,
  newcomer: Newcomer,
): Promise<JoinNoReason | undefined> {
  const { channel, clock, confirm, invitations } = init
  if (confirm === undefined) return 'unconfirmed'
  channel.send({ type: 'joinWait' })
  channel.allow(CONFIRM_TIMEOUT_MS + PAIRING_TIMEOUT_MS)
  const over = new AbortController()
  const signal = init.signal === undefined ? over.signal : AbortSignal.any([over.signal, init.signal])
  try {
    const late = clock.sleep(CONFIRM_TIMEOUT_MS, { signal }).then(() => 'late' as const)
    const answer = await Promise.race([confirm(newcomer, { signal }), late, channel.untilCut()])
    channel.allow(PAIRING_TIMEOUT_MS)
    if (answer === 'yes') return undefined
    if (answer === 'late') return 'unconfirmed'
    if (answer === 'taken') return 'used'
    await invitations.revoke(newcomer.ticketId)
    return 'declined'
  } finally {
    over.abort()
  }
}

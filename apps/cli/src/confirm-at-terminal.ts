import { setTimeout as delay } from 'node:timers/promises'
import { type Device, type Invitation, isDittoError, type OpenInvitation, type WaitingDevice } from '@dittofs/interface'
import type { Ask, CommandContext } from './command-context.ts'
import { escapeText } from './output/escape-text.ts'
import { formatDigits } from './output/format-digits.ts'

/**
 * Waits for devices to come with a ticket and asks the person about each, until one is let in or the ticket is of no
 * use any more. A no makes the ticket useless.
 *
 * @returns what became of the ticket
 */
export async function confirmAtTerminal(
  context: CommandContext,
  device: Device,
  ticket: Pick<Invitation, 'id' | 'expiresAt'>,
  ask: Ask,
): Promise<OpenInvitation['state']> {
  for (;;) {
    const change = new AbortController()
    const stop = device.onChange(() => {
      change.abort()
    })
    try {
      const state = await answerOnce(context, device, ticket.id, ask)
      if (state !== undefined) return state
      await untilChange(change.signal, ticket.expiresAt - context.now(), context.signal)
    } finally {
      stop()
    }
  }
}

/** @returns what became of the ticket; `undefined` while nobody was let in and somebody may still come */
async function answerOnce(
  { output, signal }: CommandContext,
  device: Device,
  ticketId: string,
  ask: Ask,
): Promise<OpenInvitation['state'] | undefined> {
  const found = (await device.invitations()).find(({ id }) => id === ticketId)
  if (found === undefined || found.state !== 'open') return found?.state ?? 'expired'
  const [waiting] = found.waiting
  if (waiting === undefined) return undefined
  if (!(await isRight(waiting, ask, signal))) {
    await device.revokeInvitation(ticketId)
    return 'revoked'
  }
  try {
    const { name, id } = await device.confirmInvitation(ticketId, waiting.digits)
    output.note(`${name} (${id}) is let in.`)
    return 'used'
  } catch (error) {
    if (!isDittoError(error, 'DITTO_NOT_FOUND')) throw error
    output.note('It does not wait any more; waiting for the next one.')
    return undefined
  }
}

async function isRight(waiting: WaitingDevice, ask: Ask, signal: AbortSignal): Promise<boolean> {
  const { name, id, digits } = waiting
  const answer = await ask(
    `${escapeText(name)} (${id}) wants to join. Does it show the digits ${formatDigits(digits)}? [y/N] `,
    signal,
  )
  return /^\s*y(es)?\s*$/i.test(answer)
}

/** Resolves at a change, or when the ticket's time is over. @throws the reason of `signal` */
async function untilChange(change: AbortSignal, timeoutMs: number, signal: AbortSignal): Promise<void> {
  // A timer holds at most 24 days; the ticket is looked at again then.
  const waitMs = Math.min(Math.max(timeoutMs, 0), 2 ** 31 - 1)
  await delay(waitMs, undefined, { signal: AbortSignal.any([change, signal]) }).catch(() => {
    signal.throwIfAborted()
  })
}

import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import {
  type AbortOptions,
  type Clock,
  type KnockMatch,
  type Link,
  type RandomBytes,
  systemClock,
} from '@dittofs/interface'
import type { Identity } from './identity.ts'
import { DEFAULT_LINK_LIMITS, type LinkLimits, SLOW_LINK_LIMITS } from './link-limits.ts'
import { SecureLink } from './secure-link.ts'
import type { SecuredSocket } from './tls-handshake.ts'
import { withDeadline } from './with-deadline.ts'

/** What both ends of a link are opened with. */
export interface OpenLinkInit extends AbortOptions {
  /** The plain connection; it belongs to the link from here on, also when opening fails. For TCP the net.Socket itself. */
  duplex: Duplex
  /** The transport's name. */
  transport: string
  /** The peer's address. */
  remote: string
  identity: Identity
  /** Whether the transport is a slow one: a minute for each step instead of seconds. */
  isSlow?: boolean
  /** Overrides of single limits. */
  limits?: Partial<LinkLimits>
  clock?: Clock
  randomBytes?: RandomBytes
}

/** The two steps of opening a link. */
export interface OpenLinkSteps {
  isInitiator: boolean
  knock: (options: { signal: AbortSignal; randomBytes: RandomBytes }) => Promise<KnockMatch>
  /** Waits, between the steps, for leave to begin TLS. */
  beforeTls?: (options: { signal: AbortSignal }) => Promise<void>
  secure: (match: KnockMatch, signal: AbortSignal) => Promise<SecuredSocket>
}

/** Knock, then TLS, each within its time. Whatever fails, the connection is gone when this has rejected. */
export async function openLink(init: OpenLinkInit, steps: OpenLinkSteps): Promise<Link> {
  const limits = { ...(init.isSlow === true ? SLOW_LINK_LIMITS : DEFAULT_LINK_LIMITS), ...init.limits }
  const clock = init.clock ?? systemClock
  const { duplex } = init
  // Between the steps nobody else listens, and an error without a listener would end the process.
  duplex.on('error', () => undefined)
  const deadline = (timeoutMs: number, sentence: string) => ({
    clock,
    timeoutMs,
    sentence,
    ...(init.signal && { signal: init.signal }),
  })
  try {
    const match = await withDeadline(
      deadline(limits.knockTimeoutMs, 'The other device did not answer the knock in time.'),
      (signal) => steps.knock({ signal, randomBytes: init.randomBytes ?? randomBytes }),
    )
    const { socket, peer } = await withDeadline(
      deadline(limits.tlsTimeoutMs, 'The other device did not finish the handshake in time.'),
      async (signal) => {
        await steps.beforeTls?.({ signal })
        return steps.secure(match, signal)
      },
    )
    const { transport, remote } = init
    return new SecureLink({
      socket,
      duplex,
      peer,
      transport,
      remote,
      isInitiator: steps.isInitiator,
      match,
      limits,
      clock,
    })
  } catch (error) {
    duplex.destroy()
    throw error
  }
}

import { lstat } from 'node:fs/promises'
import nodePath from 'node:path'
import {
  type AbortOptions,
  type DeviceKey,
  DittoError,
  isDittoError,
  type ReceiveOptions,
  type ReceiveResult,
  type TreeEntry,
} from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import { decodeTicketOf } from '@dittofs/membership'
import { contentKey } from '../content/content-key.ts'
import type { DeviceParts } from '../device-parts.ts'
import type { Network } from '../network/network.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { dissolveTransfer } from './dissolve-transfer.ts'
import { firstChange } from './first-change.ts'

/** After everything is written: how long the sender gets to hear of it. */
const FAREWELL_MS = 5000
/** How long the sender, who has just let this device in, may take to connect again. */
const CONNECT_MS = 30_000

type Parts = Pick<
  DeviceParts,
  'spaces' | 'memberships' | 'transfers' | 'store' | 'origins' | 'files' | 'clock' | 'config' | 'held'
>

/** Tickets that will not do any more: what was received with them is of no use. */
const DEAD = ['DITTO_TICKET_USED', 'DITTO_TICKET_EXPIRED', 'DITTO_TICKET_REVOKED', 'DITTO_TICKET_UNKNOWN'] as const

/**
 * Receives what a ticket offers: becomes a reader of its space, fetches what is not there yet, writes it, and leaves.
 * After a failure the space stays, so that the same ticket goes on with what has come.
 *
 * @throws DittoError as `Device.receive`
 */
export async function receiveFiles(
  parts: Parts,
  network: Network,
  text: string,
  options: ReceiveOptions & { signal: AbortSignal },
): Promise<ReceiveResult> {
  const { spaces, memberships, transfers, clock, files } = parts
  const { signal, directory, replace: canReplace = false } = options
  const ticket = decodeTicketOf('send', text)
  if (ticket.key === memberships.self || spaces.isOpen(ticket.space)) {
    throw new DittoError('DITTO_USAGE', 'This ticket is in use on this device already: receive with another one.')
  }
  const isResumed = transfers.has(ticket.space)
  const progress = new ProgressReporter(clock, options.onProgress)
  await transfers.put(ticket.space, { kind: 'receive', expiresAt: ticket.expiresAt })
  const dissolve = async () => {
    await dissolveTransfer(parts, ticket.space)
    network.forgetDevice(ticket.key)
    network.secretsChanged()
  }
  try {
    const { membership, peer } = await network.redeem(ticket, progress, { signal })
    const space = await spaces.openAside(membership)
    network.addSpace(space, 'on-demand')
    network.secretsChanged()
    await untilCaughtUp(parts, network, space, ticket.key, { signal })
    await compareWithDisk(parts, space, { directory, canReplace, signal })
    const result = await files.getAll(space, {
      ...{ directory, output: directory, canReplace, signal },
      ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
    })
    await sayFarewell(parts, network, space, ticket.key)
    await dissolve()
    return { ...result, peer: { id: deviceId(peer.key), name: peer.name } }
  } catch (error) {
    const isUseless = DEAD.some((code) => isDittoError(error, code))
    const hasNothing = memberships.get(ticket.space) === undefined
    if (isUseless || (hasNothing && !isResumed)) await dissolve()
    else await spaces.closeAside(ticket.space)
    throw error
  }
}

/** The names must be here before anything can be compared or fetched. */
async function untilCaughtUp(
  { clock }: Parts,
  network: Network,
  space: OpenSpace,
  sender: DeviceKey,
  { signal }: Required<AbortOptions>,
): Promise<void> {
  const unreachable = () =>
    new DittoError(
      'DITTO_PEER_UNREACHABLE',
      'The sender let this device in and was not reached again; see that "dittofs send" runs there, and use the same ticket again.',
    )
  await firstChange(
    { clock, timeoutMs: CONNECT_MS, late: unreachable, signal },
    (ask) => network.onPeerChange(ask),
    () => network.spacePeers(space).some(({ peer, isCaughtUp }) => peer === sender && isCaughtUp) || undefined,
  )
}

/**
 * Looks at what stands where files are to be written: what differs is refused before anything is fetched, and what is
 * the same is not fetched.
 */
async function compareWithDisk(
  { store, held, config }: Parts,
  space: OpenSpace,
  options: { directory: string; canReplace: boolean; signal: AbortSignal },
): Promise<void> {
  const { directory, canReplace, signal } = options
  for await (const entries of space.metadata.walk('', { signal })) {
    for (const entry of entries) {
      if (entry.path === '') continue
      const place = nodePath.join(directory, ...entry.path.split('/'))
      const found = await lstat(place).catch(() => undefined)
      if (found === undefined) continue
      if (entry.file === undefined) {
        if (entry.kind === 'directory' && !found.isDirectory()) throw taken(entry, directory)
        continue
      }
      const isWhole = found.isFile() && found.size === entry.file.size
      if (!isWhole) {
        if (canReplace && !found.isDirectory()) continue
        throw taken(entry, directory)
      }
      const [missing] = await held.missingOf(space.id, [entry.file], { signal })
      if (missing?.chunks === 0) continue
      const { content } = await store.importFile(space.id, place, {
        ...{ chunker: space.membership.chunker, durability: config.durability, signal },
      })
      if (contentKey(content) !== contentKey(entry.file.content) && !canReplace) throw taken(entry, directory)
    }
  }
}

/** Leaves the space, by which the sender knows that all is written, and waits until it has heard. */
async function sayFarewell(parts: Parts, network: Network, space: OpenSpace, sender: DeviceKey): Promise<void> {
  await space.membership.leave()
  await firstChange(
    { clock: parts.clock, timeoutMs: FAREWELL_MS, late: () => new DittoError('DITTO_TIMEOUT', 'No answer.') },
    (ask) => network.onPeerChange(ask),
    () => network.spacePeers(space).every(({ peer }) => peer !== sender) || undefined,
  ).catch(() => undefined)
}

function taken({ path }: TreeEntry, directory: string): DittoError {
  return new DittoError(
    'DITTO_EXISTS',
    `Something else is already at ${JSON.stringify(nodePath.join(directory, path))}; receive into another directory, or replace it with --replace.`,
  )
}

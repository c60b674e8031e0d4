import { type AbortOptions, type DeviceKey, DittoError, type SendEvent, type SendOptions } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { DeviceParts } from '../device-parts.ts'
import type { Network } from '../network/network.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { dissolveTransfer } from './dissolve-transfer.ts'
import { firstChange } from './first-change.ts'

/** What such a space is called, on links and in logs. */
const SPACE_NAME = 'transfer'

type Parts = Pick<
  DeviceParts,
  'spaces' | 'memberships' | 'transfers' | 'store' | 'origins' | 'files' | 'clock' | 'config' | 'label'
>

/**
 * Offers files once, in a space of their own that nobody else is in: whoever has the ticket reads it, and leaves it when
 * it has written everything. The space ends with the call, however that ends.
 *
 * @throws DittoError DITTO_TICKET_EXPIRED (nobody came in time), and what adding throws; the signal's reason
 */
export async function sendFiles(
  parts: Parts,
  network: Network,
  sources: readonly string[],
  options: SendOptions & { signal: AbortSignal },
  emit: (event: SendEvent) => void,
): Promise<void> {
  const { spaces, memberships, transfers, files, config, label, clock } = parts
  const { signal } = options
  const membership = await memberships.createSpace({
    name: SPACE_NAME,
    deviceName: label.name,
    chunker: config.chunker,
    // Noted first: a stop in between leaves nothing that the next start does not end.
    beforeStored: (id) => transfers.put(id, { kind: 'send', expiresAt: clock.now() }),
  })
  let receiver: DeviceKey | undefined
  try {
    const space = await spaces.openAside(membership)
    const added = await files.add(space, sources, {
      signal,
      onProgress: (progress) => emit({ kind: 'progress', progress }),
    })
    network.addSpace(space, 'on-demand')
    const { ticket, expiresAt } = await memberships.invitations.create({
      ...{ space: space.id, kind: 'send', role: 'read', addresses: network.addresses() },
      ...(options.expiresInMs !== undefined && { expiresInMs: options.expiresInMs }),
    })
    network.secretsChanged()
    const { bytes, skipped } = added
    emit({ kind: 'ticket', ticket, expiresAt, files: added.files, bytes, skipped })
    receiver = await untilSomebodyCame(parts, network, space, expiresAt, { signal })
    const peer = nameOf(space, receiver)
    emit({ kind: 'receiver', peer })
    await untilItLeft(parts, network, space, receiver, bytes, { signal }, emit)
    emit({ kind: 'done', peer })
  } finally {
    await dissolveTransfer(parts, membership.space)
    if (receiver !== undefined) network.forgetDevice(receiver)
    network.secretsChanged()
  }
}

function untilSomebodyCame(
  { memberships, clock }: Parts,
  network: Network,
  space: OpenSpace,
  expiresAt: number,
  { signal }: Required<AbortOptions>,
): Promise<DeviceKey> {
  const late = () => new DittoError('DITTO_TICKET_EXPIRED', 'Nobody used the ticket before it expired; send again.')
  return firstChange(
    { clock, timeoutMs: Math.max(0, expiresAt - clock.now()), late, signal },
    (ask) => followBoth(network, space, ask),
    () => space.membership.members().find(({ key }) => key !== memberships.self)?.key,
  )
}

/** Leaving is what a receiver does when all of it is written there. */
async function untilItLeft(
  { clock }: Parts,
  network: Network,
  space: OpenSpace,
  receiver: DeviceKey,
  bytes: number,
  { signal }: Required<AbortOptions>,
  emit: (event: SendEvent) => void,
): Promise<void> {
  const progress = new ProgressReporter(clock, (state) => emit({ kind: 'progress', progress: state }))
  progress.begin('send', { bytes })
  const look = () => {
    const missing = network.spacePeers(space).find(({ peer }) => peer === receiver)?.peerMissing
    if (missing !== undefined) progress.set({ bytesDone: bytes - Math.min(bytes, missing.bytes), bytesTotal: bytes })
    return space.membership.role(receiver) === undefined || undefined
  }
  await firstChange({ clock, signal }, (ask) => followBoth(network, space, ask), look)
  progress.finish()
}

function followBoth(network: Network, space: OpenSpace, ask: () => void): () => void {
  const stops = [space.membership.onChange(ask), network.onPeerChange(ask)]
  return () => {
    for (const stop of stops) stop()
  }
}

function nameOf(space: OpenSpace, key: DeviceKey) {
  return { id: deviceId(key), name: space.membership.members().find((member) => member.key === key)?.name ?? '' }
}

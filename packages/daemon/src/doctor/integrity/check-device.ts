import { type AbortOptions, type DeviceKey, DittoError, type PatternCheckResult } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import { ECHO_SEED_BYTES } from '@dittofs/wire'
import type { DeviceParts } from '../../device-parts.ts'
import type { Network } from '../../network/network.ts'
import { otherMembers } from '../../spaces/other-members.ts'
import { firstChange } from '../../transfer/first-change.ts'
import { echoCheck } from './echo-check.ts'
import { withOwnDirectory } from './own-directory.ts'
import { type CreateStore, withStore } from './own-store.ts'
import { ECHO_SIZES, SLOW_ECHO_SIZES } from './patterns.ts'

/** A device that was just started, or that this one has just begun to look for, is connected within this time. */
const CONNECT_MS = 15_000

const SEED = new RegExp(`^[0-9a-f]{${2 * ECHO_SEED_BYTES}}$`)

type Parts = Pick<DeviceParts, 'spaces' | 'identity' | 'home' | 'clock' | 'randomBytes'>

/**
 * Takes known patterns to another device, through a store there and back, over the link that is in use.
 *
 * @param seed - in hex, what the random pattern is made from; drawn where absent
 * @throws DittoError DITTO_USAGE (no such seed), DITTO_PEER_UNREACHABLE, DITTO_UNSUPPORTED, DITTO_BUSY, DITTO_TIMEOUT,
 *   DITTO_IO; the signal's reason
 */
export async function checkDevice(
  parts: Parts,
  network: Network,
  createStore: CreateStore,
  device: DeviceKey,
  options: AbortOptions & { seed?: string },
): Promise<PatternCheckResult> {
  const { spaces, identity, home, clock, randomBytes } = parts
  if (options.seed !== undefined && !SEED.test(options.seed)) {
    throw new DittoError('DITTO_USAGE', `A seed is ${2 * ECHO_SEED_BYTES} hex digits, as an earlier check printed it.`)
  }
  const seed = options.seed === undefined ? randomBytes(ECHO_SEED_BYTES) : Buffer.from(options.seed, 'hex')
  const abortable = options.signal === undefined ? {} : { signal: options.signal }
  const name = otherMembers(spaces.all(), identity.key).get(device) ?? ''
  const late = () =>
    new DittoError(
      'DITTO_PEER_UNREACHABLE',
      `${JSON.stringify(name)} (${deviceId(device)}) is not connected; see that a daemon runs on both.`,
    )
  const link = await firstChange(
    { clock, timeoutMs: CONNECT_MS, late, ...abortable },
    (ask) => network.onPeerChange(ask),
    () => network.linkTo(device),
  )
  const result = await withOwnDirectory(home.path, clock.now(), (place) =>
    withStore(place, createStore, (store) =>
      echoCheck(
        {
          ...{ store, seed, sizes: link.isSlow ? SLOW_ECHO_SIZES : ECHO_SIZES },
          ask: (question, asked) => network.echo(device, question, asked),
        },
        abortable,
      ),
    ),
  )
  return {
    device: { id: deviceId(device), name },
    link: link.transport,
    seed: Buffer.from(seed).toString('hex'),
    ...result,
  }
}

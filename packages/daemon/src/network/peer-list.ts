import type { DeviceKey, PeerInfo } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { PeerState } from '@dittofs/sync'
import { describeDivergence } from './describe-divergence.ts'

export interface PeerListInit {
  /** This device. */
  self: DeviceKey
  /** The other members of this device's spaces, with the name each was added by. */
  members: ReadonlyMap<DeviceKey, string>
  /** Those a session is open with. */
  connected: readonly PeerState[]
  /** Why the others could not be reached. */
  problems: ReadonlyMap<DeviceKey, string>
  lastSeen: (device: DeviceKey) => number | undefined
}

/** The other devices, connected ones first, then by name. */
export function listPeers(init: PeerListInit): PeerInfo[] {
  const connected = new Map(init.connected.map((state) => [state.peer, state]))
  const peers = [...init.members].map(([key, memberName]): PeerInfo => {
    const state = connected.get(key)
    const problem = state === undefined ? init.problems.get(key) : problemWith(state, init)
    const lastSeen = init.lastSeen(key)
    return {
      id: deviceId(key),
      name: state?.name || memberName,
      isUpToDate: state?.isUpToDate ?? false,
      missingBytes: state?.missingBytes ?? 0,
      ...(state === undefined
        ? {}
        : { link: state.transport, remote: state.remote, standby: state.standby, profile: state.profile }),
      ...(state?.clockOffsetMs === undefined ? {} : { clockOffsetMs: state.clockOffsetMs }),
      ...(problem === undefined ? {} : { problem }),
      ...(lastSeen === undefined ? {} : { lastSeen }),
    }
  })
  const rank = (peer: PeerInfo) => (peer.link === undefined ? 1 : 0)
  return peers.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
}

function problemWith({ divergence }: PeerState, { self, members }: PeerListInit): string | undefined {
  return divergence === undefined ? undefined : describeDivergence(divergence, self, members)
}

import type { DeviceKey, LinkState, PeerInfo } from '@dittofs/interface'
import type { NetworkView } from '../status/status-report.ts'
import type { LastSeen } from './last-seen.ts'
import { listPeers } from './peer-list.ts'

const REASON = 'this device was opened without the network'

/** What a device that was opened without the network can say of others: who they are and when they were seen. */
export function offlineView(
  self: DeviceKey,
  members: () => ReadonlyMap<DeviceKey, string>,
  lastSeen: LastSeen,
): NetworkView {
  return {
    peers: (): readonly PeerInfo[] =>
      listPeers({
        self,
        members: members(),
        connected: [],
        problems: new Map(),
        lastSeen: (device) => lastSeen.get(device),
      }),
    links: (): readonly LinkState[] => ['tcp', 'mdns', 'beacon'].map((name) => ({ name, isUp: false, reason: REASON })),
    isFetching: () => false,
    bytesWaitingForRoom: () => 0,
    bytesWaitingForLink: () => 0,
  }
}

import type { DeviceKey, SpaceId } from '@dittofs/interface'
import type { Divergence } from './divergence-watch.ts'
import type { ProfileName } from './link-profile.ts'
import type { Session } from './session.ts'
import type { SharedSpace } from './shared-space.ts'

/** One device that a session is open with. */
export interface PeerState {
  readonly peer: DeviceKey
  /** A label the peer gives itself; empty until it has told. */
  readonly name: string
  /** Of the link in use. */
  readonly transport: string
  readonly remote: string
  /** Transports of the other links to the device, the best first. */
  readonly standby: readonly string[]
  /** How content is fetched over the link in use. */
  readonly profile: ProfileName
  /** Whether this device holds all that the peer holds, as far as known. */
  readonly isUpToDate: boolean
  /** Whether the peer holds all that this device holds. */
  readonly isPeerUpToDate: boolean
  /** Bytes missing here, in the spaces shared with the peer. */
  readonly missingBytes: number
  /** Bytes the peer said it misses. */
  readonly peerMissingBytes: number
  readonly spaces: readonly SpaceId[]
  /** By how much the peer's clock was ahead when it connected, in milliseconds; what it says, no more. */
  readonly clockOffsetMs?: number
  /** Set while the copies of a shared space differ though each side has all that the other has (DITTO_DIVERGED). */
  readonly divergence?: Divergence
}

/** One device in one space that it shares with this one. */
export interface SpacePeer {
  readonly peer: DeviceKey
  /** Whether this device holds all metadata that the peer was found to hold. */
  readonly isCaughtUp: boolean
  /** Whether the peer holds the metadata that this device holds, and the content of all of it. */
  readonly hasPeerAll: boolean
  /** What the peer said it misses of the files shown; `undefined` until it has said. */
  readonly peerMissing: { readonly chunks: number; readonly bytes: number } | undefined
}

export function spacePeer(session: Session, shared: SharedSpace): SpacePeer {
  return {
    peer: session.peer,
    isCaughtUp: shared.exchange.isCaughtUp,
    hasPeerAll: shared.hasPeerAll,
    peerMissing: shared.peerMissing,
  }
}

/** Whether nothing is under way in a session, either way. One that stands by has nothing to do. */
export function isDone(session: Session): boolean {
  if (!session.isReady) return session.isOver
  if (!session.isInUse) return true
  return [...session.shared.values()].every((one) => (one.isUpToDate && one.isPeerUpToDate) || one.isStuck)
}

/**
 * What is known of the device at the other end.
 *
 * @param standby - transports of its other links
 */
export function peerState(session: Session, standby: readonly string[]): PeerState {
  const shared = [...session.shared.values()]
  const divergences = shared.flatMap((one) => one.divergence ?? [])
  return {
    peer: session.peer,
    name: session.peerName ?? '',
    transport: session.link.transport,
    remote: session.link.remote,
    standby,
    profile: session.requester.tuning.name,
    isUpToDate: session.hasHeardSpaces && shared.every((one) => one.isUpToDate),
    isPeerUpToDate: session.hasHeardSpaces && shared.every((one) => one.isPeerUpToDate),
    missingBytes: shared.reduce((bytes, one) => bytes + one.space.fetcher.state.missingBytes, 0),
    peerMissingBytes: shared.reduce((bytes, one) => bytes + (one.peerMissing?.bytes ?? 0), 0),
    spaces: shared.map((one) => one.space.id),
    ...(session.peerClockOffsetMs !== undefined && { clockOffsetMs: session.peerClockOffsetMs }),
    ...(divergences.length > 0 && {
      divergence: {
        owners: [...new Set(divergences.flatMap(({ owners }) => owners))],
        isBeingRepaired: divergences.every(({ isBeingRepaired }) => isBeingRepaired),
      },
    }),
  }
}

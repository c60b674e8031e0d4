import type {
  ChunkStore,
  Clock,
  DeviceInfo,
  DeviceKey,
  DeviceStatus,
  LinkState,
  PeerInfo,
  SpaceId,
  SpaceInfo,
  WaitingContent,
  WaitingFor,
} from '@dittofs/interface'
import { deviceId, type Identity } from '@dittofs/link'
import type { HeldChunks } from '../content/held-chunks.ts'
import { describeGrowth, growthNotices } from '../limits/describe-growth.ts'
import type { GrowthBrake } from '../limits/growth-brake.ts'
import type { KeptContent } from '../pins/kept-content.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { Notices } from '../state/notices.ts'
import type { RemovedAuthors } from '../state/removed-authors.ts'
import { VERSION } from '../version.ts'
import { describeSpace } from './describe-space.ts'
import { MissingCounter } from './missing-counter.ts'

/** What is known of other devices and of the ways to them. */
export interface NetworkView {
  peers(): readonly PeerInfo[]
  links(): readonly LinkState[]
  /** Whether content of the space is being fetched now. */
  isFetching(space: OpenSpace): boolean
  /** Missing bytes of the space that are fetched once the disk has room for them. */
  bytesWaitingForRoom(space: OpenSpace): number
  /** Missing bytes of the space that are fetched once a link is up that is not metered. */
  bytesWaitingForLink(space: OpenSpace): number
}

export interface StatusReportInit {
  identity: Identity
  /** As it is now. */
  deviceName: () => string
  home: string
  store: ChunkStore
  held: HeldChunks
  kept: Pick<KeptContent, 'reader' | 'pathsOf'>
  growth: Pick<GrowthBrake, 'waiting'>
  clock: Clock
  notices: Notices
  removedAuthors: Pick<RemovedAuthors, 'notices'>
  spaces: () => readonly OpenSpace[]
  /** Bytes of files that lie in live folders. */
  placedBytes: () => number
  network: () => NetworkView
}

/** Answers what the device holds and whom it sees, from counters: no call walks a tree that has not changed. */
export class StatusReport {
  readonly #init: StatusReportInit
  readonly #missing = new Map<OpenSpace, MissingCounter>()

  constructor(init: StatusReportInit) {
    this.#init = init
  }

  /** Content of a space, or of all, may have come, gone or been found damaged. */
  contentChanged(space?: OpenSpace): void {
    for (const [counted, counter] of this.#missing) if (space === undefined || space === counted) counter.invalidate()
  }

  /** The device itself changed a space. */
  changedHere(space: OpenSpace): void {
    this.#missing.get(space)?.invalidateByOwnChange()
  }

  async space(space: OpenSpace): Promise<SpaceInfo> {
    let counter = this.#missing.get(space)
    if (counter === undefined) {
      const { held, clock, network, kept } = this.#init
      counter = new MissingCounter(
        space,
        held,
        clock,
        () => network().isFetching(space),
        () => kept.reader(space),
      )
      this.#missing.set(space, counter)
    }
    const { identity, kept, growth } = this.#init
    const marked = { pinned: kept.pathsOf(space, 'pinned'), evicted: kept.pathsOf(space, 'evicted') }
    return describeSpace(
      space,
      identity.key,
      await counter.count(),
      marked,
      describeGrowth(space, growth.waiting(space.id)),
    )
  }

  async spaces(): Promise<readonly SpaceInfo[]> {
    return Promise.all(this.#init.spaces().map((space) => this.space(space)))
  }

  /** What is missing and does not come by itself, by space. */
  waiting(): readonly WaitingContent[] {
    const { spaces, growth, network } = this.#init
    const view = network()
    return spaces().flatMap((space) => {
      const heldBytes = growth.waiting(space.id).reduce((bytes, { waitingBytes }) => bytes + waitingBytes, 0)
      const all: readonly (readonly [WaitingFor, number])[] = [
        ['accept', heldBytes],
        ['room', view.bytesWaitingForRoom(space)],
        ['link', view.bytesWaitingForLink(space)],
      ]
      return all
        .filter(([, bytes]) => bytes > 0)
        .map(([waitsFor, bytes]) => ({ space: { id: space.id, name: space.name }, waitsFor, bytes }))
    })
  }

  async status(): Promise<DeviceStatus> {
    const { identity, deviceName, home, store, notices, removedAuthors, network } = this.#init
    const [spaces, stats] = await Promise.all([this.spaces(), store.stats()])
    const placedBytes = this.#init.placedBytes()
    const heldBytes = stats.bytes + placedBytes
    const shownBytes = spaces.reduce((sum, space) => sum + space.bytes - space.missingBytes, 0)
    const view = network()
    return {
      device: { id: identity.id, name: deviceName() },
      home,
      version: VERSION,
      // A daemon says of itself that it runs, in what it answers.
      isDaemonRunning: false,
      spaces,
      chunks: {
        count: stats.chunks,
        bytes: stats.bytes,
        packs: stats.packs,
        packBytes: stats.packBytes,
        placedBytes,
        dedupRatio: heldBytes === 0 || shownBytes === 0 ? 1 : shownBytes / heldBytes,
      },
      peers: view.peers(),
      links: view.links(),
      notices: [
        ...notices.all(),
        ...removedAuthors.notices((author) => this.#describeAuthor(author)),
        ...spaces.flatMap((space) => growthNotices(space.name, space.growth ?? [])),
        ...this.#init.spaces().flatMap((space) => waitNotice(space.name, view.bytesWaitingForRoom(space))),
        ...this.#init.spaces().flatMap((space) => meteredNotice(space.name, view.bytesWaitingForLink(space))),
      ],
    }
  }

  #describeAuthor({ space, device, name }: { space: SpaceId; device: DeviceKey; name: string }): string {
    const label = this.#init.spaces().find(({ id }) => id === space)?.name ?? space
    return `${JSON.stringify(name)} (${deviceId(device)}) in the space ${JSON.stringify(label)}`
  }

  /** Every member of every space, this device first. */
  devices(): readonly DeviceInfo[] {
    const { identity, deviceName, spaces, network } = this.#init
    const peers = new Map(
      network()
        .peers()
        .map((peer) => [peer.id, peer]),
    )
    const found = new Map<string, DeviceInfo>()
    for (const space of spaces()) {
      for (const member of space.membership.members()) {
        const isSelf = member.key === identity.key
        const id = deviceId(member.key)
        const peer = peers.get(id)
        const known = found.get(id)
        found.set(id, {
          id,
          name: isSelf ? deviceName() : peer?.name || member.name,
          isSelf,
          spaces: [...(known?.spaces ?? []), { id: space.id, name: space.name, role: member.role }],
          links: peer?.link === undefined ? [] : [peer.link, ...(peer.standby ?? [])],
          ...(peer?.lastSeen === undefined ? {} : { lastSeen: peer.lastSeen }),
        })
      }
    }
    return [...found.values()].sort((a, b) => Number(b.isSelf) - Number(a.isSelf) || (a.name < b.name ? -1 : 1))
  }
}

function waitNotice(space: string, bytes: number): readonly string[] {
  if (bytes === 0) return []
  return [
    `The space ${JSON.stringify(space)} waits for room: ${bytes} bytes. They come by themselves once more of the disk is free than "reserve" in config.toml keeps; "dittofs get" fetches what you name all the same.`,
  ]
}

function meteredNotice(space: string, bytes: number): readonly string[] {
  if (bytes === 0) return []
  return [
    `The space ${JSON.stringify(space)} waits for a better link: ${bytes} bytes. They come by themselves once a device is reached over one that costs neither money nor battery; "metered" in config.toml says what comes without, and "dittofs get" fetches what you name all the same.`,
  ]
}

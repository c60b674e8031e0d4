import {
  type AbortOptions,
  type Clock,
  type DeviceKey,
  DittoError,
  type SyncOptions,
  type SyncResult,
} from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { PeerState, SyncEngine } from '@dittofs/sync'
import { ProgressReporter } from '../progress-reporter.ts'
import { describeDivergence } from './describe-divergence.ts'

const DEFAULT_TIMEOUT_MS = 30_000
/** Once one device is there, how long the others get to show up as well. */
const MORE_PEERS_MS = 3000

export interface SyncRunInit {
  /** This device. */
  self: DeviceKey
  engine: Pick<SyncEngine, 'peers' | 'on' | 'hearAll' | 'whenUpToDate' | 'transferBytes'>
  clock: Clock
  /** The devices wanted, with their names. */
  members: ReadonlyMap<DeviceKey, string>
  /** Looks for all of them now, without waiting as after a failure. */
  look: () => void
  problems: () => ReadonlyMap<DeviceKey, string>
  traffic: () => { readonly sent: number; readonly received: number }
}

/** What came of a sync, as far as the network knows. */
export type SyncedPeers = Omit<SyncResult, 'waiting'>

/** One call of `sync`: finds devices, then waits until nothing is left to exchange with those that were found. */
export class SyncRun {
  readonly #init: SyncRunInit

  constructor(init: SyncRunInit) {
    this.#init = init
  }

  /** @throws DittoError DITTO_PEER_UNREACHABLE when no device was reached */
  async run(options: SyncOptions = {}): Promise<SyncedPeers> {
    const { engine, clock, members, look, traffic } = this.#init
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
    if (members.size === 0) {
      throw new DittoError(
        'DITTO_PEER_UNREACHABLE',
        'This device is paired with no other; "dittofs invite" on one and "dittofs join" on the other pair them.',
      )
    }
    const before = traffic()
    const progress = new ProgressReporter(clock, options.onProgress)
    progress.begin('connect')
    const over = new AbortController()
    const timer = clock.sleep(timeoutMs, { signal: over.signal }).then(
      () => over.abort(new DittoError('DITTO_TIMEOUT', 'The time for this sync is over.')),
      () => undefined,
    )
    const bound = { signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]) }
    let silent: ReadonlySet<DeviceKey> = new Set()
    const stopTelling = engine.on('space:progress', () => this.#tellProgress(progress, before))
    try {
      // A link that breaks on the way is waited for like one that was not there at first.
      do {
        look()
        await this.#findPeers(bound)
        progress.begin('fetch')
        silent = await engine.hearAll(bound)
        await engine.whenUpToDate(bound)
      } while (this.#reached().length === 0)
    } catch (error) {
      signal?.throwIfAborted()
      if (!over.signal.aborted) throw error
    } finally {
      stopTelling()
      over.abort()
      await timer
    }
    const reached = this.#reached()
    if (reached.length === 0) throw this.#unreachable()
    progress.finish()
    const after = traffic()
    return {
      peers: reached.map((peer) => this.#describe(peer, silent.has(peer.peer))),
      fetchedBytes: after.received - before.received,
      sentBytes: after.sent - before.sent,
    }
  }

  /** Resolves when all are there, or one is and the others had their time. */
  async #findPeers(options: Required<AbortOptions>): Promise<void> {
    const { engine, clock, members } = this.#init
    const enough = new AbortController()
    const signal = AbortSignal.any([options.signal, enough.signal])
    let isWaitingForMore = false
    const look = () => {
      const reached = this.#reached().length
      if (reached === members.size) enough.abort()
      else if (reached > 0 && !isWaitingForMore) {
        isWaitingForMore = true
        clock.sleep(MORE_PEERS_MS, { signal }).then(
          () => enough.abort(),
          () => undefined,
        )
      }
    }
    const stopListening = engine.on('peer:change', look)
    look()
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    stopListening()
    options.signal.throwIfAborted()
  }

  #reached(): readonly PeerState[] {
    return this.#init.engine.peers().filter((peer) => this.#init.members.has(peer.peer))
  }

  #tellProgress(progress: ProgressReporter, before: { readonly received: number }): void {
    const received = this.#init.traffic().received - before.received
    const missing = this.#init.engine.peers().reduce((most, peer) => Math.max(most, peer.missingBytes), 0)
    progress.set({ bytesDone: received, bytesTotal: received + missing })
  }

  /** @param isSilent - whether it has not answered, so that what it holds is not known */
  #describe(peer: PeerState, isSilent: boolean): SyncResult['peers'][number] {
    const isUpToDate = peer.isUpToDate && peer.isPeerUpToDate && !isSilent
    return {
      id: deviceId(peer.peer),
      name: peer.name || (this.#init.members.get(peer.peer) ?? ''),
      isUpToDate: peer.isUpToDate && !isSilent,
      ...(isUpToDate ? {} : { problem: isSilent ? 'It is connected and did not answer.' : this.#problem(peer) }),
    }
  }

  #problem({ divergence, missingBytes, peerMissingBytes }: PeerState): string {
    const { self, members } = this.#init
    if (divergence !== undefined) return describeDivergence(divergence, self, members)
    return `${missingBytes} bytes are still missing here, ${peerMissingBytes} there.`
  }

  #unreachable(): DittoError {
    const reasons = [...this.#init.problems()].map(
      ([key, problem]) => `${this.#init.members.get(key) ?? deviceId(key)}: ${problem}`,
    )
    return new DittoError('DITTO_PEER_UNREACHABLE', `No device was reached. ${reasons.join(' ')}`.trim(), {
      details: { reasons },
    })
  }
}

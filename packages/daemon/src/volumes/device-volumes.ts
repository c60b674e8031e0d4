import { DittoError, type SpaceId } from '@dittofs/interface'
import type { SpaceVolume } from '@dittofs/volume'
import type { OpenSpace } from '../spaces/open-space.ts'

/** The spaces of a device that are open as file systems: one volume each, whoever serves it. */
export class DeviceVolumes {
  readonly #open: (space: OpenSpace) => Promise<SpaceVolume>
  readonly #volumes = new Map<SpaceId, Promise<SpaceVolume>>()
  #isClosed = false

  constructor(open: (space: OpenSpace) => Promise<SpaceVolume>) {
    this.#open = open
  }

  /** The space's volume, opened at the first call. It stays open until the device closes or the space is discarded. */
  get(space: OpenSpace): Promise<SpaceVolume> {
    if (this.#isClosed) return Promise.reject(new DittoError('DITTO_CLOSED', 'The device was closed.'))
    const known = this.#volumes.get(space.id)
    if (known !== undefined) return known
    const opening = this.#open(space)
    this.#volumes.set(space.id, opening)
    // The next call tries again.
    opening.catch(() => this.#volumes.delete(space.id))
    return opening
  }

  /** The space leaves this device: what was not committed goes with it. */
  async discard(space: SpaceId): Promise<void> {
    const volume = await this.#volumes.get(space)?.catch(() => undefined)
    this.#volumes.delete(space)
    await volume?.abort()
  }

  /** Commits what was written. @throws what the first commit that fails throws */
  async close(): Promise<void> {
    this.#isClosed = true
    const volumes = await Promise.allSettled(this.#volumes.values())
    const closing = volumes.flatMap((volume) => (volume.status === 'fulfilled' ? [volume.value.close()] : []))
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === 'rejected') throw outcome.reason
    }
  }
}

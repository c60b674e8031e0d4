import type { Clock, Logger, RandomBytes, SpaceId } from '@dittofs/interface'
import { collectImage } from './collect-image.ts'
import { decodeImage, encodeImage } from './index-image.ts'
import { loadReplica } from './load-replica.ts'
import type { MetadataDatabase } from './metadata-database.ts'
import { inSlices, inSlicesWhile } from './slices.ts'
import type { StateVector } from './space-document.ts'
import type { SpaceReplica } from './space-replica.ts'
import type { DeviceLabel } from './tree-view.ts'

/** Entries that a start reads anew before an image is worth its writing: 30 ms. */
const MIN_ENTRIES = 2000
/** Entries of a store that gets an image while it is closed: a second. A larger one got it while it was open. */
const MAX_ENTRIES_AT_CLOSE = 100_000
/** The least that is new of all entries, by the moment: what is read once is not read again at the next start. */
const MIN_SHARES = { opened: 1 / 20, changed: 1 / 4, closing: 1 / 20 } as const
/** What was given up is tried again after so many times as long: a tenth of the work at most is for nothing. */
const REST_FACTOR = 10

export interface KeptImageInit {
  readonly space: SpaceId
  readonly database: MetadataDatabase
  readonly randomBytes: RandomBytes
  readonly clock: Pick<Clock, 'now'>
  readonly deviceLabel: DeviceLabel
  readonly logger: Logger
  /** Entries beyond the image from which on a new one is written at a close; 2000 unless given. */
  readonly minImageEntries?: number
}

/**
 * The image of a space's index on disk: what a start would find out by reading each entry. It is a cache alone. What
 * it says is bound to the logs up to a state vector, which never change but by a replacement, and that drops it.
 *
 * @see docs/metadata.md#start
 */
export class KeptImage {
  readonly #init: KeptImageInit
  readonly #minEntries: number
  #imaged: StateVector = new Map()
  #restUntilMs = 0

  constructor(init: KeptImageInit) {
    this.#init = init
    this.#minEntries = init.minImageEntries ?? MIN_ENTRIES
  }

  /** Reads the space from disk, by its image where there is one that fits. */
  async load(): Promise<SpaceReplica> {
    const { database, deviceLabel, logger, space } = this.#init
    const blocks = await database.image()
    const image = blocks === undefined ? undefined : await inSlices(decodeImage(blocks))
    const { replica, imaged } = await loadReplica(() => database.updates(), image, deviceLabel)
    this.#imaged = imaged
    if (image !== undefined && imaged.size === 0) {
      logger.warn({ space }, 'the image of the index of a space did not fit; all of its entries were read')
    }
    return replica
  }

  /** The logs are others now: the image that was kept says nothing of them, and is gone from disk. */
  forget(): void {
    this.#imaged = new Map()
  }

  /** Whether so much came since the last image that a start would take long. */
  isDue(vector: StateVector, moment: keyof typeof MIN_SHARES): boolean {
    const { beyond, all } = this.#count(vector)
    if (beyond < this.#minEntries || beyond < all * MIN_SHARES[moment]) return false
    return moment === 'closing' ? all <= MAX_ENTRIES_AT_CLOSE : this.#init.clock.now() >= this.#restUntilMs
  }

  /**
   * Writes the image of a replica whose totals are up to date, in slices; it must not change until then.
   *
   * @param isWanted - asked between slices; once it is not, the image is given up
   */
  async write(replica: SpaceReplica, isWanted: () => boolean): Promise<void> {
    const seed = Buffer.from(this.#init.randomBytes(4)).readUInt32LE()
    const { clock, database } = this.#init
    const start = clock.now()
    const blocks = await inSlicesWhile(makeBlocks(replica, seed), isWanted)
    if (blocks === undefined) {
      this.#restUntilMs = clock.now() + REST_FACTOR * (clock.now() - start)
      return
    }
    const imaged = replica.document.stateVector()
    await database.writeImage(blocks)
    this.#imaged = imaged
  }

  #count(vector: StateVector): { beyond: number; all: number } {
    let beyond = 0
    let all = 0
    for (const [writer, clock] of vector) {
      all += clock
      beyond += clock - (this.#imaged.get(writer) ?? 0)
    }
    return { beyond, all }
  }
}

function* makeBlocks(replica: SpaceReplica, seed: number): Generator<void, readonly Uint8Array[] | undefined> {
  const image = yield* collectImage(replica, seed)
  return image === undefined ? undefined : yield* encodeImage(image)
}

import type { Address, Announcement, Clock, RandomBytes } from '@dittofs/interface'
import { FIND_NONCE_BYTES, findTags } from '@dittofs/link'

/** Long enough for everybody to hear it, short enough that nobody can follow a device by it. */
const RENEW_AFTER_MS = 10 * 60_000

export interface OwnAnnouncementInit {
  clock: Clock
  randomBytes: RandomBytes
  /** Keys derived for `find`, of the spaces and tickets to be found by. */
  findKeys: () => readonly Uint8Array[]
  /** Where in its networks this device listens now. */
  addresses: () => readonly Address[]
  /** Called when the addresses are others than before. */
  onMoved: () => void
}

/** What this device announces: a nonce that is renewed with time and place, and tags that members know by it. */
export class OwnAnnouncement {
  readonly #init: OwnAnnouncementInit
  #nonce: Uint8Array
  #renewedAt: number
  #place: string

  constructor(init: OwnAnnouncementInit) {
    this.#init = init
    this.#nonce = init.randomBytes(FIND_NONCE_BYTES)
    this.#renewedAt = init.clock.monotonic()
    this.#place = this.#currentPlace()
  }

  get(): Announcement {
    const now = this.#init.clock.monotonic()
    const place = this.#currentPlace()
    const hasMoved = place !== this.#place
    if (hasMoved || now - this.#renewedAt >= RENEW_AFTER_MS) {
      this.#nonce = this.#init.randomBytes(FIND_NONCE_BYTES)
      this.#renewedAt = now
      this.#place = place
    }
    if (hasMoved) this.#init.onMoved()
    return { nonce: this.#nonce, tags: findTags(this.#init.findKeys(), this.#nonce) }
  }

  /** This device listens from now on; where it does not yet, it has no place it could move from. */
  begin(): void {
    this.#place = this.#currentPlace()
  }

  /** Looks whether the addresses have changed. */
  look(): void {
    if (this.#currentPlace() !== this.#place) this.get()
  }

  /** Of two devices that hear each other's announcement, exactly one comes before. */
  comesBefore(nonce: Uint8Array): boolean {
    return Buffer.compare(this.#nonce, nonce) < 0
  }

  #currentPlace(): string {
    return [...this.#init.addresses()].sort().join(' ')
  }
}

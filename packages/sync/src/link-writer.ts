import type { AbortOptions, Link } from '@dittofs/interface'

/** Sends frames over a link that may end at any time; the reader of the link is who reports that end. */
export class LinkWriter {
  readonly #link: Link
  #isFull = false

  constructor(link: Link) {
    this.#link = link
  }

  /** Sends a small message at once, whatever waits. On a link that has ended it does nothing. */
  post(...parts: readonly Uint8Array[]): void {
    try {
      this.#isFull = !this.#link.send(...parts)
    } catch {
      // The link has ended, which its reader learns too.
    }
  }

  /** Sends one frame of bulk and resolves when there is room for the next. Rejects when the link has ended. */
  async write(parts: readonly Uint8Array[], options: AbortOptions = {}): Promise<void> {
    if (this.#isFull) await this.ready(options)
    this.#isFull = !this.#link.send(...parts)
    if (this.#isFull) await this.ready(options)
  }

  async ready(options: AbortOptions = {}): Promise<void> {
    await this.#link.drain(options)
    this.#isFull = false
  }
}

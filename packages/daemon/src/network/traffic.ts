import type { Link } from '@dittofs/interface'

/** Bytes over all links since the start, those that have ended included. */
export class Traffic {
  readonly #open = new Set<Link>()
  #sent = 0
  #received = 0

  watch(link: Link): void {
    this.#open.add(link)
    void link.closed.then(() => {
      this.#open.delete(link)
      this.#sent += link.bytesSent
      this.#received += link.bytesReceived
    })
  }

  total(): { readonly sent: number; readonly received: number } {
    let sent = this.#sent
    let received = this.#received
    for (const link of this.#open) {
      sent += link.bytesSent
      received += link.bytesReceived
    }
    return { sent, received }
  }
}

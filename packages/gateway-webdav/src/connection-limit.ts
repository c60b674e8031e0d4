import type { Socket } from 'node:net'
import { plainAddress } from '@dittofs/interface'

/** Counts the connections of a server, and refuses those past a limit, in total and from one address. */
export class ConnectionLimit {
  readonly #maxTotal: number
  readonly #maxPerAddress: number
  readonly #sockets = new Set<Socket>()
  readonly #byAddress = new Map<string, number>()
  #refused = 0

  constructor(maxTotal: number, maxPerAddress: number) {
    this.#maxTotal = maxTotal
    this.#maxPerAddress = maxPerAddress
  }

  get open(): number {
    return this.#sockets.size
  }

  /** How many were refused so far. */
  get refused(): number {
    return this.#refused
  }

  /** Takes a new connection in until it closes, or destroys it. @returns whether it may stay */
  admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress ?? '')
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (this.#sockets.size >= this.#maxTotal || ofAddress >= this.#maxPerAddress) {
      this.#refused += 1
      socket.destroy()
      return false
    }
    this.#sockets.add(socket)
    this.#byAddress.set(address, ofAddress + 1)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      const left = (this.#byAddress.get(address) ?? 1) - 1
      if (left === 0) this.#byAddress.delete(address)
      else this.#byAddress.set(address, left)
    })
    return true
  }

  /** Ends all that are open. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

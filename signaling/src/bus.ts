/** What another instance passes on to the devices registered here. */
export interface BusListener {
  /** A signal for a device here. Both byte strings are owned by the listener. */
  onDeliver(to: string, from: Uint8Array, sealed: Uint8Array): void
  /** The key was registered at another instance a moment ago. */
  onClaim(key: string): void
}

/**
 * Joins several instances of the server, so that devices registered at different ones reach each other. Keys are in
 * lower-case hex. Nothing throws while it is down: a claim is made up for when it is up again, a publication reaches
 * nobody.
 */
export interface Bus {
  /** Resolves once the bus is up, or once it is clear that it is not. It goes on trying. */
  open(listener: BusListener): Promise<void>
  readonly isUp: boolean
  /** Says that a key is registered here; resolves once signals for it arrive, or when the bus is down. */
  claim(key: string): Promise<void>
  /** The key is no longer registered here. */
  release(key: string): void
  /** @returns whether an instance was there to take it */
  publish(to: string, from: Uint8Array, sealed: Uint8Array): Promise<boolean>
  close(): Promise<void>
}

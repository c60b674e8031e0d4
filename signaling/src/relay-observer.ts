/** What became of a signal that a device asked to pass on. */
export type RelayResult = 'sent' | 'absent' | 'rate' | 'queue'

/** Why the server ended a connection. */
export type CloseCause =
  | 'address-limit'
  | 'forged'
  | 'going-away'
  | 'left'
  | 'not-registered'
  | 'not-reading'
  | 'protocol'
  | 'replaced'
  | 'room'
  | 'silent'
  | 'too-fast'

/** Told what happens, for logs and metrics. `key` and `address` are for shortened output only. */
export interface RelayObserver {
  onRegister(key: string, address: string): void
  onRelay(result: RelayResult, bytes: number): void
  onClose(cause: CloseCause, address: string): void
}

import type { DeviceKey, SpaceId } from '@dittofs/interface'

/** A signed record of where a device can be reached. */
export interface PassedRecord {
  readonly device: DeviceKey
  /** The highest of a device counts. */
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** How sessions pass on where members of the spaces they share can be reached. */
export interface AddressExchange {
  /** The newest records of members of any of the spaces, this device's own among them. */
  records(spaces: readonly SpaceId[]): Iterable<PassedRecord>
  /**
   * Takes records of a peer; of what they say only that of members of the spaces counts.
   *
   * @throws DittoError DITTO_PROTOCOL
   */
  receive(records: readonly Uint8Array[], spaces: readonly SpaceId[]): void
}

import type { Address, DeviceKey } from '@dittofs/interface'

/** Where devices were reached before, kept over restarts. */
export interface AddressBook {
  /** The addresses of each device, the one that worked last first. */
  load(): Promise<ReadonlyMap<DeviceKey, readonly Address[]>>
  /** Replaces what is kept of a device; no addresses: forgets it. */
  save(device: DeviceKey, addresses: readonly Address[]): Promise<void>
}

/** A device with more has moved often, and the oldest are of no use. */
const MAX_ADDRESSES_PER_DEVICE = 8

/** `addresses` with the one that has just worked in front. */
export function withLatest(addresses: readonly Address[], latest: Address): readonly Address[] {
  return [latest, ...addresses.filter((address) => address !== latest)].slice(0, MAX_ADDRESSES_PER_DEVICE)
}

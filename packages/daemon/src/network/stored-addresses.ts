import { type Address, type DeviceKey, deviceKey } from '@dittofs/interface'
import type { Level } from 'level'
import type { AddressBook } from '../connector/address-book.ts'

/** Where devices were reached before, in the registry. */
export class StoredAddresses implements AddressBook {
  readonly #rows: ReturnType<typeof rowsOf>

  constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  async load(): Promise<ReadonlyMap<DeviceKey, readonly Address[]>> {
    const known = new Map<DeviceKey, readonly Address[]>()
    for await (const [key, addresses] of this.#rows.iterator()) known.set(deviceKey.parse(key), addresses)
    return known
  }

  async save(device: DeviceKey, addresses: readonly Address[]): Promise<void> {
    if (addresses.length === 0) await this.#rows.del(device)
    else await this.#rows.put(device, addresses)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, readonly Address[]>('addresses', { valueEncoding: 'json' })
}

import type { Address, DeviceKey } from '@dittofs/interface'
import { type AddressBook, withLatest } from './address-book.ts'

export interface KnownAddressesInit {
  addressBook: AddressBook
  /** What a device itself said of where it is, passed on by others. */
  recorded: (device: DeviceKey) => readonly Address[]
  onFailure: (error: unknown) => void
}

/** Where each device may be: what it said of itself, and where it was reached before, which is kept over restarts. */
export class KnownAddresses {
  readonly #init: KnownAddressesInit
  readonly #reached = new Map<DeviceKey, readonly Address[]>()
  #saving: Promise<void> = Promise.resolve()

  constructor(init: KnownAddressesInit) {
    this.#init = init
  }

  async load(): Promise<void> {
    for (const [device, addresses] of await this.#init.addressBook.load()) this.#reached.set(device, addresses)
  }

  /** What a device said last of itself comes first: it knows better than we do. */
  of(device: DeviceKey): readonly Address[] {
    return [...new Set([...this.#init.recorded(device), ...(this.#reached.get(device) ?? [])])]
  }

  /** @returns whether that is news */
  reached(device: DeviceKey, address: Address): boolean {
    const known = this.#reached.get(device) ?? []
    if (known[0] === address) return false
    const addresses = withLatest(known, address)
    this.#reached.set(device, addresses)
    this.#saving = this.#saving
      .then(() => this.#init.addressBook.save(device, addresses))
      .catch((error: unknown) => this.#init.onFailure(error))
    return true
  }

  /** Where a device was reached is remembered no more. */
  forget(device: DeviceKey): void {
    if (!this.#reached.delete(device)) return
    this.#saving = this.#saving
      .then(() => this.#init.addressBook.save(device, []))
      .catch((error: unknown) => this.#init.onFailure(error))
  }

  /** Resolves when what is known is kept. */
  async close(): Promise<void> {
    await this.#saving
  }
}

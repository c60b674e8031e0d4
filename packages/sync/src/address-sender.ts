import type { DeviceKey, SpaceId } from '@dittofs/interface'
import { encodeAddressesMessage, MAX_ADDRESS_RECORDS } from '@dittofs/wire'
import type { AddressExchange } from './address-exchange.ts'

/** Tells one peer where members of the shared spaces can be reached, each thing once. */
export class AddressSender {
  readonly #exchange: AddressExchange
  readonly #peer: DeviceKey
  readonly #told = new Map<DeviceKey, number>()

  constructor(exchange: AddressExchange, peer: DeviceKey) {
    this.#exchange = exchange
    this.#peer = peer
  }

  /** Payloads of what the peer has not been told yet. */
  *untold(spaces: readonly SpaceId[]): Generator<Uint8Array> {
    let batch: Uint8Array[] = []
    for (const { device, sequence, bytes } of this.#exchange.records(spaces)) {
      if (device === this.#peer || sequence <= (this.#told.get(device) ?? -1)) continue
      this.#told.set(device, sequence)
      batch.push(bytes)
      if (batch.length < MAX_ADDRESS_RECORDS) continue
      yield encodeAddressesMessage(batch)
      batch = []
    }
    if (batch.length > 0) yield encodeAddressesMessage(batch)
  }
}

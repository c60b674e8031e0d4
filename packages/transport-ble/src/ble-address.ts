import { type Address, DittoError } from '@dittofs/interface'

/** A Bluetooth device address as 12 hex digits, or the 32 digits by which macOS knows a peripheral. */
const ADDRESS = /^ble:\/\/([0-9a-f]{12}|[0-9a-f]{32})$/

/** @param peripheral - an ID as the system gives it, with or without separators */
export function formatBleAddress(peripheral: string): Address {
  return `ble://${peripheral.replace(/[^0-9a-f]/gi, '').toLowerCase()}`
}

/**
 * @returns the peripheral's ID, hex digits in lower case
 * @throws DittoError DITTO_USAGE
 */
export function parseBleAddress(address: Address): string {
  const peripheral = ADDRESS.exec(address)?.[1]
  if (peripheral !== undefined) return peripheral
  throw new DittoError(
    'DITTO_USAGE',
    `${JSON.stringify(address)} is not a Bluetooth address; write ble:// and the 12 hex digits of the other adapter.`,
  )
}

/**
 * Connections over Bluetooth LE, and finding devices by it: streams over a GATT service.
 *
 * ```ts
 * import { bleTransport } from '@dittofs/transport-ble'
 *
 * const ble = bleTransport()
 * const listener = await ble.listen({ port: 0, onConnection: ({ duplex }) => duplex.pipe(duplex) })
 * const duplex = await ble.dial('ble://00aa01000042')
 * ```
 *
 * @packageDocumentation
 */
export type {
  BleAdvert,
  BleCentral,
  BlePeripheral,
  BlePipe,
  BlePipeEvents,
  CentralPipe,
  PeripheralEvents,
} from './ble-radio.ts'
export { type BleTransportInit, bleTransport, DEFAULT_DIAL_TIMEOUT_MS } from './ble-transport.ts'

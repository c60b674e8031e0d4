/** The GATT service of DittoFS, version 1. A protocol that differs gets another UUID. */
export const SERVICE_UUID = '1a73e1ef-cace-418c-9ffc-985b2de0c525'
/** Written without response: PDUs from the central to the peripheral. */
export const TO_PERIPHERAL_UUID = 'ca25ed12-2ad6-4336-bb07-9f985bf0470f'
/** Notified: PDUs from the peripheral to the central. */
export const TO_CENTRAL_UUID = '31cf151f-d1cb-41ce-b36b-5563369ede4e'
/** Read: what the peripheral announces now. */
export const ANNOUNCEMENT_UUID = 'ded31085-d5d8-4d23-9191-16e3059e241c'

/** What one write or notification leaves free of the MTU (Bluetooth Core Specification, Vol 3, Part F, 3.4). */
export const ATT_HEADER_BYTES = 3
/** The MTU that every device has (Vol 3, Part G, 5.2.1). */
export const MIN_MTU = 23
/** The longest value of an attribute (Vol 3, Part F, 3.2.9), which no PDU exceeds whatever the MTU. */
export const MAX_PDU_BYTES = 512
export const MIN_PDU_BYTES = MIN_MTU - ATT_HEADER_BYTES

/** Bytes that one PDU may have under an MTU, or where none is known. */
export function pduBytesFor(mtu: number | null | undefined): number {
  return Math.min(Math.max(mtu ?? MIN_MTU, MIN_MTU) - ATT_HEADER_BYTES, MAX_PDU_BYTES)
}

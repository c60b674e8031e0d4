import { MAX_SEALED_BYTES, MIN_SEALED_BYTES } from '@dittofs/wire'

const DELIVER = 1
const CLAIM = 2
const KEY_BYTES = 32
export const INSTANCE_BYTES = 16

/** What instances tell each other on the channel of one key. */
export type BusMessage =
  | { readonly type: 'deliver'; readonly from: Uint8Array; readonly sealed: Uint8Array }
  | { readonly type: 'claim'; readonly instance: string }

/** u8 1, the sender's key (32), the sealed signal; or u8 2, the instance's ID (16). */
export function encodeBusMessage(message: BusMessage): Buffer {
  return message.type === 'deliver'
    ? Buffer.concat([Buffer.of(DELIVER), message.from, message.sealed])
    : Buffer.concat([Buffer.of(CLAIM), Buffer.from(message.instance, 'hex')])
}

/** @returns `undefined` for what no instance of this version writes; byte strings share the memory of `bytes` */
export function decodeBusMessage(bytes: Buffer): BusMessage | undefined {
  const sealedBytes = bytes.length - 1 - KEY_BYTES
  if (bytes[0] === DELIVER && sealedBytes >= MIN_SEALED_BYTES && sealedBytes <= MAX_SEALED_BYTES) {
    return { type: 'deliver', from: bytes.subarray(1, 1 + KEY_BYTES), sealed: bytes.subarray(1 + KEY_BYTES) }
  }
  if (bytes[0] === CLAIM && bytes.length === 1 + INSTANCE_BYTES) {
    return { type: 'claim', instance: bytes.subarray(1).toString('hex') }
  }
  return undefined
}

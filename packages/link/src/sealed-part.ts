/**
 * One part of a bundle: bytes that a device made, that only one other device can read, and that this one can tell to be
 * whole and from whom. A part stands alone, so that a bundle can be written and read in pieces of bounded size; its
 * place in the bundle is bound to it, so that none can be left out, doubled, moved or cut off unnoticed.
 *
 * @see docs/protocol.md#bundle
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import { type DeviceKey, DittoError, deviceKey, type RandomBytes } from '@dittofs/interface'
import { verifySignature } from './ed25519.ts'
import type { Identity } from './identity.ts'
import { agreementKeyOf, publicX25519, X25519_BYTES, x25519 } from './x25519.ts'

const MAGIC = Buffer.from('DITTOBDL', 'latin1')
const VERSION = 1
const CIPHER = 'chacha20-poly1305'
const LABEL = 'dittofs bundle v1'
const TAG_BYTES = 16
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const LAST = 1

export const BUNDLE_ID_BYTES = 16
/** Before the sealed bytes of a part. */
export const PART_HEADER_BYTES = 82
/** Content of one part: a message about a space, and some more. */
export const MAX_PART_CONTENT_BYTES = 9 * 1024 * 1024
const MAX_BODY_BYTES = KEY_BYTES + SIGNATURE_BYTES + MAX_PART_CONTENT_BYTES + TAG_BYTES

export interface PartPlace {
  /** Random, the same in all parts of a bundle. */
  readonly bundle: Uint8Array
  /** From 0. */
  readonly index: number
  readonly isLast: boolean
}

export interface PartHeader extends PartPlace {
  /** Bytes behind the header. */
  readonly length: number
  readonly recipientTag: Uint8Array
  readonly ephemeral: Uint8Array
  /** The header itself. */
  readonly bytes: Uint8Array
}

/** Seals the parts of a bundle for one device. */
export function partSealer(sender: Identity, recipient: DeviceKey, randomBytes: RandomBytes) {
  const theirs = agreementKeyOf(recipient)
  return (place: PartPlace, content: Uint8Array): Uint8Array => {
    if (content.length > MAX_PART_CONTENT_BYTES) throw new RangeError('a part of a bundle is at most 9 MiB long')
    const secret = randomBytes(X25519_BYTES)
    const ephemeral = publicX25519(secret)
    const length = KEY_BYTES + SIGNATURE_BYTES + content.length + TAG_BYTES
    const header = encodeHeader(place, ephemeral, recipientTag(ephemeral, recipient), length)
    const shared = x25519(secret, theirs)
    if (shared === undefined) throw new TypeError('the key of the device is of small order')
    const cipher = createCipheriv(CIPHER, partKey(shared, ephemeral, theirs), nonceOf(place), {
      authTagLength: TAG_BYTES,
    })
    cipher.setAAD(header, { plaintextLength: length - TAG_BYTES })
    const signature = sender.sign(signedBytes(header, recipient, content))
    const sealed = [sender.publicKey, signature, content].map((bytes) => cipher.update(bytes))
    return Buffer.concat([header, ...sealed, cipher.final(), cipher.getAuthTag()])
  }
}

/** @param bytes - PART_HEADER_BYTES of them @throws DittoError DITTO_BUNDLE_DAMAGED */
export function decodePartHeader(bytes: Uint8Array): PartHeader {
  const header = Buffer.from(bytes)
  if (header.length !== PART_HEADER_BYTES || !header.subarray(0, 8).equals(MAGIC)) {
    throw damaged('it is no bundle of DittoFS, or was cut')
  }
  if (header[8] !== VERSION) throw damaged('another version of DittoFS made it; update this one')
  const flags = header[29] ?? 0
  const length = header.readUInt32BE(78)
  if (flags > LAST || length < KEY_BYTES + SIGNATURE_BYTES + TAG_BYTES || length > MAX_BODY_BYTES) {
    throw damaged('a part says what cannot be')
  }
  return {
    bundle: Uint8Array.from(header.subarray(9, 25)),
    index: header.readUInt32BE(25),
    isLast: flags === LAST,
    recipientTag: Uint8Array.from(header.subarray(30, 46)),
    ephemeral: Uint8Array.from(header.subarray(46, 78)),
    length,
    bytes: Uint8Array.from(header),
  }
}

/** Whether a part was made for a device, as far as its header says. */
export function isPartFor(header: PartHeader, device: DeviceKey): boolean {
  return Buffer.compare(header.recipientTag, recipientTag(header.ephemeral, device)) === 0
}

/**
 * Opens a part that is for this device.
 *
 * @param body - `header.length` bytes
 * @throws DittoError DITTO_BUNDLE_DAMAGED (not one bit of it may be another)
 */
export function openPart(
  identity: Identity,
  header: PartHeader,
  body: Uint8Array,
): { readonly sender: DeviceKey; readonly content: Uint8Array } {
  const own = agreementKeyOf(identity.key)
  const shared = identity.agree(header.ephemeral)
  const plain = shared && decrypt(header, body, partKey(shared, header.ephemeral, own))
  if (plain === undefined) throw damaged('a part was changed or cut')
  const sender = deviceKey.fromBytes(plain.subarray(0, KEY_BYTES))
  const signature = plain.subarray(KEY_BYTES, KEY_BYTES + SIGNATURE_BYTES)
  const content = plain.subarray(KEY_BYTES + SIGNATURE_BYTES)
  if (!verifySignature(sender, signedBytes(header.bytes, identity.key, content), signature)) {
    throw damaged('a part is not signed by the device that it names')
  }
  return { sender, content }
}

function decrypt(header: PartHeader, body: Uint8Array, key: Uint8Array): Buffer | undefined {
  if (body.length !== header.length) return undefined
  const sealed = body.subarray(0, -TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, key, nonceOf(header), { authTagLength: TAG_BYTES })
  decipher.setAAD(header.bytes, { plaintextLength: sealed.length })
  decipher.setAuthTag(body.subarray(-TAG_BYTES))
  try {
    const plain = decipher.update(sealed)
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

function encodeHeader({ bundle, index, isLast }: PartPlace, ephemeral: Uint8Array, tag: Uint8Array, length: number) {
  const header = Buffer.alloc(PART_HEADER_BYTES)
  MAGIC.copy(header)
  header[8] = VERSION
  header.set(bundle, 9)
  header.writeUInt32BE(index, 25)
  header[29] = isLast ? LAST : 0
  header.set(tag, 30)
  header.set(ephemeral, 46)
  header.writeUInt32BE(length, 78)
  return header
}

/** By it a device knows its own parts; whoever does not know the device's key learns nothing from it. */
function recipientTag(ephemeral: Uint8Array, recipient: DeviceKey): Buffer {
  const hash = createHash('sha256').update(`${LABEL} to\0`).update(ephemeral).update(deviceKey.toBytes(recipient))
  return hash.digest().subarray(0, 16)
}

function partKey(shared: Uint8Array, ephemeral: Uint8Array, recipient: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', shared, Buffer.concat([ephemeral, recipient]), `${LABEL} key`, KEY_BYTES))
}

/** As in STREAM: the counter, then whether it is the last. Each part has a key of its own besides. */
function nonceOf({ index, isLast }: PartPlace): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(index, 7)
  nonce[11] = isLast ? LAST : 0
  return nonce
}

function signedBytes(header: Uint8Array, recipient: DeviceKey, content: Uint8Array): Buffer {
  const hash = createHash('sha256').update(content).digest()
  return Buffer.concat([Buffer.from(`${LABEL}\0`), header, deviceKey.toBytes(recipient), hash])
}

function damaged(why: string): DittoError {
  return new DittoError('DITTO_BUNDLE_DAMAGED', `The bundle cannot be read: ${why}. Nothing of that part was taken.`)
}

import type { Announcement } from '@dittofs/interface'

/*
 * One beacon, a UDP datagram. Integers are big-endian.
 *
 *   4  "DFSB"
 *   1  version, 1
 *   2  TCP port of the sender, 1 to 65,535
 *   8  nonce
 *   1  number of tags, 0 to 16
 *   8  each tag
 *
 * Nothing follows: a version 1 beacon has exactly that length. Other versions are left to those who know them.
 */
const MAGIC = Buffer.from('DFSB', 'latin1')
const VERSION = 1
const HEADER_BYTES = 16

export const NONCE_BYTES = 8
export const TAG_BYTES = 8
export const MAX_TAGS = 16
export const MAX_BEACON_BYTES = HEADER_BYTES + MAX_TAGS * TAG_BYTES

export interface BeaconPacket extends Announcement {
  /** Where the sender listens, at the address the packet came from. */
  readonly port: number
}

/** @throws RangeError for a nonce, tag or port that no packet can carry */
export function encodeBeacon({ port, nonce, tags }: BeaconPacket): Buffer {
  checkAnnouncement({ nonce, tags })
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`${port} is no port`)
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt8(VERSION, 4)
  header.writeUInt16BE(port, 5)
  header.set(nonce, 7)
  header.writeUInt8(tags.length, 15)
  return Buffer.concat([header, ...tags])
}

/** @returns what the packet says, sharing its memory; `undefined` for anything but a whole beacon of this version */
export function decodeBeacon(bytes: Buffer): BeaconPacket | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC) || bytes[4] !== VERSION) return undefined
  const port = bytes.readUInt16BE(5)
  const tagCount = bytes.readUInt8(15)
  if (port === 0 || tagCount > MAX_TAGS || bytes.length !== HEADER_BYTES + tagCount * TAG_BYTES) return undefined
  return { port, nonce: bytes.subarray(7, 15), tags: splitTags(bytes.subarray(HEADER_BYTES)) }
}

/** @param bytes - whole tags, one after the other */
export function splitTags(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / TAG_BYTES }, (_, i) => bytes.subarray(i * TAG_BYTES, (i + 1) * TAG_BYTES))
}

/** @throws RangeError */
export function checkAnnouncement({ nonce, tags }: Announcement): void {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce is ${NONCE_BYTES} bytes long, not ${nonce.length}`)
  if (tags.length > MAX_TAGS) throw new RangeError(`at most ${MAX_TAGS} tags are announced, not ${tags.length}`)
  for (const tag of tags) {
    if (tag.length !== TAG_BYTES) throw new RangeError(`a tag is ${TAG_BYTES} bytes long, not ${tag.length}`)
  }
}

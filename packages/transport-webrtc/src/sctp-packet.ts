import { crc32c } from 'werift'

/** A DATA chunk (RFC 9260 section 3.3.1), by the names of werift. */
export interface DataChunk {
  readonly type: 0
  readonly flags: number
  readonly tsn: number
  readonly streamId: number
  readonly streamSeqNum: number
  readonly protocol: number
  readonly userData: Buffer
}

/** A SACK chunk (RFC 9260 section 3.3.4), likewise. */
export interface SackChunk {
  readonly type: 3
  readonly cumulativeTsn: number
  readonly advertisedRwnd: number
  /** First and last of each block that arrived, counted from `cumulativeTsn`. */
  readonly gaps: readonly (readonly [number, number])[]
  readonly duplicates: readonly number[]
}

export interface Ports {
  readonly local: number
  readonly remote: number
  /** Verification tag that the other side expects. */
  readonly tag: number
}

const DATA = 0
const SACK = 3
const PACKET_HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 16

/** A packet with one DATA chunk. */
export function dataPacket(ports: Ports, chunk: DataChunk): Buffer {
  const { userData } = chunk
  const length = CHUNK_HEADER_BYTES + userData.length
  const packet = begin(ports, DATA, chunk.flags, length)
  packet.writeUInt32BE(chunk.tsn, 16)
  packet.writeUInt16BE(chunk.streamId, 20)
  packet.writeUInt16BE(chunk.streamSeqNum, 22)
  packet.writeUInt32BE(chunk.protocol, 24)
  userData.copy(packet, PACKET_HEADER_BYTES + CHUNK_HEADER_BYTES)
  packet.fill(0, PACKET_HEADER_BYTES + length)
  return finish(packet)
}

/** A packet with one SACK chunk. */
export function sackPacket(ports: Ports, chunk: Omit<SackChunk, 'type'>): Buffer {
  const packet = begin(ports, SACK, 0, CHUNK_HEADER_BYTES + 4 * (chunk.gaps.length + chunk.duplicates.length))
  packet.writeUInt32BE(chunk.cumulativeTsn, 16)
  packet.writeUInt32BE(chunk.advertisedRwnd, 20)
  packet.writeUInt16BE(chunk.gaps.length, 24)
  packet.writeUInt16BE(chunk.duplicates.length, 26)
  let at = PACKET_HEADER_BYTES + CHUNK_HEADER_BYTES
  for (const [first, last] of chunk.gaps) {
    packet.writeUInt16BE(first, at)
    packet.writeUInt16BE(last, at + 2)
    at += 4
  }
  for (const tsn of chunk.duplicates) {
    packet.writeUInt32BE(tsn, at)
    at += 4
  }
  return finish(packet)
}

/**
 * Reads a packet of DATA and SACK chunks alone: what an association exchanges while it carries data.
 *
 * @param packet - its checksum field is overwritten
 * @param tag - the verification tag that it has to have
 * @returns its chunks, views of `packet`; `undefined`, the packet unchanged, for every other packet
 */
export function readPacket(packet: Buffer, tag: number): (DataChunk | SackChunk)[] | undefined {
  if (packet.length < PACKET_HEADER_BYTES + CHUNK_HEADER_BYTES || packet.readUInt32BE(4) !== tag) return undefined
  const chunks: (DataChunk | SackChunk)[] = []
  for (let at = PACKET_HEADER_BYTES; at < packet.length; ) {
    if (at + CHUNK_HEADER_BYTES > packet.length) return undefined
    const length = packet.readUInt16BE(at + 2)
    if (at + length > packet.length) return undefined
    const chunk = readChunk(packet.subarray(at, at + length))
    if (chunk === undefined) return undefined
    chunks.push(chunk)
    at += padded(length)
  }
  const checksum = packet.readUInt32LE(8)
  packet.writeUInt32LE(0, 8)
  if (crc32c(packet) === checksum) return chunks
  packet.writeUInt32LE(checksum, 8)
  return undefined
}

function readChunk(bytes: Buffer): DataChunk | SackChunk | undefined {
  if (bytes[0] === DATA && bytes.length > CHUNK_HEADER_BYTES) {
    return {
      type: DATA,
      flags: bytes[1] as number,
      tsn: bytes.readUInt32BE(4),
      streamId: bytes.readUInt16BE(8),
      streamSeqNum: bytes.readUInt16BE(10),
      protocol: bytes.readUInt32BE(12),
      userData: bytes.subarray(CHUNK_HEADER_BYTES),
    }
  }
  if (bytes[0] !== SACK || bytes.length < CHUNK_HEADER_BYTES) return undefined
  const gapCount = bytes.readUInt16BE(12)
  const duplicateCount = bytes.readUInt16BE(14)
  if (bytes.length !== CHUNK_HEADER_BYTES + 4 * (gapCount + duplicateCount)) return undefined
  const gaps = Array.from({ length: gapCount }, (_, index): [number, number] => {
    const at = CHUNK_HEADER_BYTES + 4 * index
    return [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2)]
  })
  // Duplicates tell a sender nothing that it acts on.
  return {
    type: SACK,
    cumulativeTsn: bytes.readUInt32BE(4),
    advertisedRwnd: bytes.readUInt32BE(8),
    gaps,
    duplicates: [],
  }
}

function begin(ports: Ports, type: number, flags: number, length: number): Buffer {
  const packet = Buffer.allocUnsafe(PACKET_HEADER_BYTES + padded(length))
  packet.writeUInt16BE(ports.local, 0)
  packet.writeUInt16BE(ports.remote, 2)
  packet.writeUInt32BE(ports.tag, 4)
  packet.writeUInt32LE(0, 8)
  packet[PACKET_HEADER_BYTES] = type
  packet[PACKET_HEADER_BYTES + 1] = flags
  packet.writeUInt16BE(length, PACKET_HEADER_BYTES + 2)
  return packet
}

function finish(packet: Buffer): Buffer {
  packet.writeUInt32LE(crc32c(packet), 8)
  return packet
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

import { createCipheriv, createDecipheriv } from 'node:crypto'

/** What of werift's AEAD cipher a record needs: keys and salts of one DTLS connection. */
export interface RecordKeys {
  /** As OpenSSL names it. */
  readonly blockAlgorithm: 'aes-128-gcm' | 'aes-256-gcm'
  readonly nonceImplicitLength: number
  readonly nonceExplicitLength: number
  readonly authTagLength: number
  readonly clientWriteKey: Buffer
  readonly serverWriteKey: Buffer
  /** The salt in its first bytes; the rest is werift's scratch. */
  readonly clientNonce: Buffer
  readonly serverNonce: Buffer
}

const APPLICATION_DATA = 23
const DTLS_1_2 = 0xfefd
const HEADER_BYTES = 13
const SALT_BYTES = 4
const EXPLICIT_NONCE_BYTES = 8
const TAG_BYTES = 16
const OVERHEAD_BYTES = HEADER_BYTES + EXPLICIT_NONCE_BYTES + TAG_BYTES
const TAG = { authTagLength: TAG_BYTES }

/** Taken over by the cipher in the same call, so that one of each is enough. */
const iv = Buffer.alloc(SALT_BYTES + EXPLICIT_NONCE_BYTES)
const additional = Buffer.alloc(HEADER_BYTES)

/** Whether records under these keys have the form that is written here: AES-GCM as in RFC 5288. */
export function isKnownForm(keys: RecordKeys | undefined): keys is RecordKeys {
  return (
    keys !== undefined &&
    (keys.blockAlgorithm === 'aes-128-gcm' || keys.blockAlgorithm === 'aes-256-gcm') &&
    keys.nonceImplicitLength === SALT_BYTES &&
    keys.nonceExplicitLength === EXPLICIT_NONCE_BYTES &&
    keys.authTagLength === TAG_BYTES &&
    keys.clientWriteKey !== undefined &&
    keys.serverWriteKey !== undefined
  )
}

/**
 * One DTLS 1.2 record of application data (RFC 6347 section 4.1, RFC 5288), in one buffer.
 *
 * @param sequence - never used before in this epoch: the nonce is made of it
 */
export function sealRecord(
  keys: RecordKeys,
  isClient: boolean,
  epoch: number,
  sequence: number,
  plain: Buffer,
): Buffer {
  const record = Buffer.allocUnsafe(plain.length + OVERHEAD_BYTES)
  record[0] = APPLICATION_DATA
  record.writeUInt16BE(DTLS_1_2, 1)
  record.writeUInt16BE(epoch, 3)
  record.writeUIntBE(sequence, 5, 6)
  record.writeUInt16BE(record.length - HEADER_BYTES, 11)
  record.copy(record, HEADER_BYTES, 3, 11)
  prepare(isClient ? keys.clientNonce : keys.serverNonce, record, plain.length)
  const cipher = createCipheriv(keys.blockAlgorithm, isClient ? keys.clientWriteKey : keys.serverWriteKey, iv, TAG)
  cipher.setAAD(additional)
  cipher.update(plain).copy(record, HEADER_BYTES + EXPLICIT_NONCE_BYTES)
  cipher.final()
  cipher.getAuthTag().copy(record, record.length - TAG_BYTES)
  return record
}

/** Whether a datagram is exactly one record of application data of the first encrypted epoch. */
export function isDataRecord(datagram: Buffer): boolean {
  return (
    datagram.length > OVERHEAD_BYTES &&
    datagram[0] === APPLICATION_DATA &&
    datagram.readUInt16BE(3) === 1 &&
    datagram.readUInt16BE(11) === datagram.length - HEADER_BYTES
  )
}

/**
 * @param record - one for which {@link isDataRecord} holds
 * @returns what it carries; `undefined` when it is not genuine
 */
export function openRecord(keys: RecordKeys, isClient: boolean, record: Buffer): Buffer | undefined {
  const end = record.length - TAG_BYTES
  prepare(isClient ? keys.serverNonce : keys.clientNonce, record, record.length - OVERHEAD_BYTES)
  const decipher = createDecipheriv(keys.blockAlgorithm, isClient ? keys.serverWriteKey : keys.clientWriteKey, iv, TAG)
  decipher.setAAD(additional)
  decipher.setAuthTag(record.subarray(end))
  const plain = decipher.update(record.subarray(HEADER_BYTES + EXPLICIT_NONCE_BYTES, end))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return plain
}

/** Nonce and additional data (RFC 5246 section 6.2.3.3) of a record whose header and explicit nonce are written. */
function prepare(salt: Buffer, record: Buffer, plainBytes: number): void {
  salt.copy(iv, 0, 0, SALT_BYTES)
  record.copy(iv, SALT_BYTES, HEADER_BYTES, HEADER_BYTES + EXPLICIT_NONCE_BYTES)
  record.copy(additional, 0, 3, 11)
  record.copy(additional, 8, 0, 3)
  additional.writeUInt16BE(plainBytes, 11)
}

import { createPublicKey, verify, type webcrypto } from 'node:crypto'
import { type DeviceKey, DittoError, deviceKey } from '@dittofs/interface'
import {
  decodeSignalContent,
  encodeSignalContent,
  type SignalContent,
  sealingContext,
  signalingKeyText,
} from '@dittofs/wire'
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305'
import { CipherSuite, HkdfSha256 } from '@hpke/core'
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519'
import { type SignalingKey, sealingKeyOf } from './signaling-key.ts'

const ENCAPSULATED_BYTES = 32
/** SubjectPublicKeyInfo of an Ed25519 key up to the key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** RFC 9180: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, ChaCha20-Poly1305 0x0003. */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
})

/** A signal that was opened, and the device that its signaling key belongs to. */
export interface OpenedSignal extends Omit<SignalContent, 'device' | 'proof'> {
  readonly device: DeviceKey
}

/**
 * Seals a signal so that only the holder of `to` can read it, and knows that `own` sealed it (HPKE, auth mode).
 *
 * @param to - the receiver's signaling key at the same server, 32 bytes
 * @returns the encapsulated key, then the ciphertext
 * @throws DittoError DITTO_PEER_UNREACHABLE when `to` is nobody's key
 * @see docs/protocol.md#signaling
 */
export async function sealSignal(
  own: SignalingKey,
  to: Uint8Array,
  content: Omit<SignalContent, 'device' | 'proof'>,
): Promise<Uint8Array> {
  const sender = await suite.createSenderContext({
    senderKey: await ownKeys(own),
    recipientPublicKey: await publicKey(receiverKey(to)),
  })
  const plain = encodeSignalContent({ ...content, device: own.device, proof: own.proof })
  const sealed = await sender.seal(exact(plain), exact(sealingContext(own.publicKey, to)))
  return Buffer.concat([new Uint8Array(sender.enc), new Uint8Array(sealed)])
}

/**
 * Opens what {@link sealSignal} sealed, and checks that the device named in it vouches for the signaling key it came by.
 *
 * @param from - the sender's signaling key as the server says, 32 bytes
 * @throws DittoError DITTO_PROTOCOL for everything that is not such a signal to `own` from `from`
 */
export async function openSignal(own: SignalingKey, from: Uint8Array, sealed: Uint8Array): Promise<OpenedSignal> {
  const { device, proof, ...content } = decodeSignalContent(await open(own, from, sealed))
  const text = signalingKeyText(own.origin, from)
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, device]), format: 'der', type: 'spki' })
  if (!verify(null, text, key, proof)) {
    throw new DittoError('DITTO_PROTOCOL', 'A signal names a device that does not vouch for the key it came by.')
  }
  return { ...content, device: deviceKey.fromBytes(device) }
}

async function open(own: SignalingKey, from: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
  try {
    const recipient = await suite.createRecipientContext({
      recipientKey: await ownKeys(own),
      senderPublicKey: await publicKey(sealingKeyOf(from)),
      enc: exact(sealed.subarray(0, ENCAPSULATED_BYTES)),
    })
    const context = exact(sealingContext(from, own.publicKey))
    return new Uint8Array(await recipient.open(exact(sealed.subarray(ENCAPSULATED_BYTES)), context))
  } catch (cause) {
    throw new DittoError('DITTO_PROTOCOL', 'A signal cannot be opened.', { cause })
  }
}

async function ownKeys(own: SignalingKey): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = (await suite.kem.importKey('raw', exact(own.sealing.secretKey), false)) as webcrypto.CryptoKey
  return { privateKey, publicKey: await publicKey(own.sealing.publicKey) }
}

async function publicKey(x25519: Uint8Array): Promise<webcrypto.CryptoKey> {
  return (await suite.kem.importKey('raw', exact(x25519), true)) as webcrypto.CryptoKey
}

function receiverKey(to: Uint8Array): Uint8Array {
  try {
    return sealingKeyOf(to)
  } catch (cause) {
    throw new DittoError('DITTO_PEER_UNREACHABLE', 'Nobody can have the key that the address names.', { cause })
  }
}

/** A buffer that holds these bytes and nothing else: HPKE takes whole buffers, and a view may be part of a larger one. */
function exact(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

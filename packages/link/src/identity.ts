import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes as secureRandomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import path from 'node:path'
import { type DeviceId, type DeviceKey, DittoError, deviceKey } from '@dittofs/interface'
import { makeCertificate } from './certificate.ts'
import { deviceId } from './device-id.ts'
import { deviceKeyOf } from './ed25519.ts'
import { type OnRepair, readPrivateFile, usePrivateDirectory, writePrivateFile } from './private-files.ts'
import { agreementSecretOf, x25519 } from './x25519.ts'

const KEY_FILE = 'key.pem'
const CERTIFICATE_FILE = 'certificate.pem'
const SEED_BYTES = 32
const SECRET_BYTES = 32
const SECRET_LABEL_PREFIX = 'dittofs identity v1 '

/** Who this device is. The private key is in here: nothing of it shows when an identity is printed or serialised. */
export interface Identity {
  readonly key: DeviceKey
  readonly id: DeviceId
  /** The 32 bytes of `key`, a fresh copy. */
  readonly publicKey: Uint8Array
  /** The self-signed certificate that shows `key` in TLS. */
  readonly certificatePem: string
  /** The private key, PKCS #8. Secret. */
  readonly keyPem: string
  /** @returns the Ed25519 signature over exactly `bytes`, 64 bytes */
  sign(bytes: Uint8Array): Uint8Array
  /**
   * X25519 between this device's key, as {@link agreementKeyOf} has it, and another.
   *
   * @returns 32 bytes; `undefined` for a key of small order
   */
  agree(theirs: Uint8Array): Uint8Array | undefined
  /** 32 secret bytes that only this device can derive, the same each time for one label (HKDF-SHA256, RFC 5869). */
  deriveSecret(label: string): Uint8Array
}

export interface LoadIdentityOptions {
  /** Told, in a sentence, of file modes that were too wide and have been repaired. */
  onRepair?: OnRepair
}

/**
 * The identity kept in `directory`, made on first use: `key.pem` and `certificate.pem`, readable by their owner only.
 *
 * Two processes that make it at once end up with the same one.
 *
 * @throws DittoError DITTO_IDENTITY_INVALID (the key file is damaged), DITTO_HOME_UNSAFE, DITTO_PERMISSION,
 *   DITTO_NO_SPACE, DITTO_IO
 */
export async function loadOrCreateIdentity(directory: string, options: LoadIdentityOptions = {}): Promise<Identity> {
  const onRepair = options.onRepair ?? (() => undefined)
  await usePrivateDirectory(directory, onRepair)
  const privateKey = await loadOrCreateKey(path.join(directory, KEY_FILE), onRepair)
  const certificatePem = await loadOrMakeCertificate(path.join(directory, CERTIFICATE_FILE), privateKey, onRepair)
  return new KeyIdentity(privateKey, certificatePem)
}

/** A new identity that is kept nowhere: for tests and simulations. */
export async function createIdentity(): Promise<Identity> {
  const { privateKey } = generateKeyPairSync('ed25519')
  return new KeyIdentity(privateKey, await makeCertificate(privateKey))
}

async function loadOrCreateKey(file: string, onRepair: OnRepair): Promise<KeyObject> {
  const stored = await readPrivateFile(file, onRepair)
  if (stored !== undefined) return parseKey(file, stored)
  const { privateKey } = generateKeyPairSync('ed25519')
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  if (await writePrivateFile(file, text, { replaces: false, randomBytes: secureRandomBytes })) return privateKey
  return parseKey(file, (await readPrivateFile(file, onRepair)) ?? '')
}

function parseKey(file: string, text: string): KeyObject {
  try {
    const key = createPrivateKey(text)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // The error of OpenSSL helps nobody; it is told below in words.
  }
  throw new DittoError(
    'DITTO_IDENTITY_INVALID',
    `The device key in ${file} is damaged: restore it from a backup, or move it away to become a new device that is to be paired again.`,
  )
}

async function loadOrMakeCertificate(file: string, privateKey: KeyObject, onRepair: OnRepair): Promise<string> {
  const stored = await readPrivateFile(file, onRepair)
  if (stored !== undefined && isCertificateOf(stored, privateKey)) return stored
  // It holds nothing that cannot be made again from the key, so a damaged one is simply replaced.
  const made = await makeCertificate(privateKey)
  await writePrivateFile(file, made, { replaces: true, randomBytes: secureRandomBytes })
  return made
}

function isCertificateOf(pem: string, privateKey: KeyObject): boolean {
  try {
    return new X509Certificate(pem).checkPrivateKey(privateKey)
  } catch {
    return false
  }
}

class KeyIdentity implements Identity {
  readonly key: DeviceKey
  readonly id: DeviceId
  readonly #privateKey: KeyObject
  readonly #certificatePem: string

  constructor(privateKey: KeyObject, certificatePem: string) {
    const key = deviceKeyOf(createPublicKey(privateKey))
    if (key === undefined) throw new TypeError('an identity needs an Ed25519 key')
    this.key = key
    this.id = deviceId(key)
    this.#privateKey = privateKey
    this.#certificatePem = certificatePem
  }

  get publicKey(): Uint8Array {
    return deviceKey.toBytes(this.key)
  }

  get certificatePem(): string {
    return this.#certificatePem
  }

  get keyPem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  }

  sign(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#privateKey)
  }

  agree(theirs: Uint8Array): Uint8Array | undefined {
    return x25519(agreementSecretOf(this.#seed()), theirs)
  }

  deriveSecret(label: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#seed(), '', SECRET_LABEL_PREFIX + label, SECRET_BYTES))
  }

  #seed(): Uint8Array {
    const pkcs8 = this.#privateKey.export({ type: 'pkcs8', format: 'der' })
    return pkcs8.subarray(pkcs8.length - SEED_BYTES)
  }
}

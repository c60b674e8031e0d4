import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { inspect } from 'node:util'
import { deviceKey } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceId, loadOrCreateIdentity, verifySignature } from '../src/index.ts'

/** RFC 8032 section 7.1, test 1. */
const RFC_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const RFC_KEY = deviceKey.parse('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
const RFC_SIGNATURE = Buffer.from(
  'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  'hex',
)
const RFC_PEM = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(RFC_SEED, 'hex')]),
  format: 'der',
  type: 'pkcs8',
}).export({ type: 'pkcs8', format: 'pem' }) as string

const modeOf = async (file: string) => (await stat(file)).mode & 0o777

describe('loadOrCreateIdentity', () => {
  it('makes a key that only its owner can read, and finds it again', async () => {
    const directory = path.join(await temporaryDirectory(), 'deep', 'identity')
    const made = await loadOrCreateIdentity(directory)
    expect(await modeOf(directory)).toBe(0o700)
    expect((await readdir(directory)).sort()).toEqual(['certificate.pem', 'key.pem'])
    for (const file of await readdir(directory)) expect(await modeOf(path.join(directory, file))).toBe(0o600)
    const found = await loadOrCreateIdentity(directory)
    expect(found.key).toBe(made.key)
    expect(found.id).toBe(deviceId(made.key))
    expect(found.certificatePem).toBe(made.certificatePem)
    expect(Buffer.from(found.publicKey).toString('hex')).toBe(made.key)
  })

  it('gives processes that begin at once the same identity', async () => {
    const directory = path.join(await temporaryDirectory(), 'identity')
    const identities = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateIdentity(directory)))
    expect(new Set(identities.map(({ key }) => key)).size).toBe(1)
    expect((await readdir(directory)).sort()).toEqual(['certificate.pem', 'key.pem'])
  })

  it('narrows modes that were widened, and says so', async () => {
    const directory = path.join(await temporaryDirectory(), 'identity')
    await loadOrCreateIdentity(directory)
    await chmod(path.join(directory, 'key.pem'), 0o644)
    await chmod(directory, 0o755)
    const repairs: string[] = []
    await loadOrCreateIdentity(directory, { onRepair: (sentence) => repairs.push(sentence) })
    expect(repairs).toHaveLength(2)
    expect(repairs[0]).toContain(directory)
    expect(repairs[1]).toContain('key.pem')
    expect([await modeOf(directory), await modeOf(path.join(directory, 'key.pem'))]).toEqual([0o700, 0o600])
  })

  it.each([
    ['empty', ''],
    ['garbage', 'not a key'],
    ['cut short', RFC_PEM.slice(0, 60)],
    ['of another kind', generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
  ])('refuses a key file that is %s, and leaves it as it is', async (_what, text) => {
    const directory = await temporaryDirectory()
    const file = path.join(directory, 'key.pem')
    await writeFile(file, text, { mode: 0o600 })
    await expect(loadOrCreateIdentity(directory)).rejects.toMatchObject({
      code: 'DITTO_IDENTITY_INVALID',
      message: expect.stringContaining(file) as string,
    })
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it('refuses links and directories where its own files should be', async () => {
    const directory = await temporaryDirectory()
    await loadOrCreateIdentity(path.join(directory, 'real'))
    await symlink('real', path.join(directory, 'linked'))
    await expect(loadOrCreateIdentity(path.join(directory, 'linked'))).rejects.toMatchObject({
      code: 'DITTO_HOME_UNSAFE',
    })
    await writeFile(path.join(directory, 'file'), '')
    await expect(loadOrCreateIdentity(path.join(directory, 'file'))).rejects.toMatchObject({
      code: 'DITTO_HOME_UNSAFE',
    })
    const key = path.join(directory, 'real', 'key.pem')
    await rename(key, path.join(directory, 'moved'))
    await symlink(path.join(directory, 'moved'), key)
    await expect(loadOrCreateIdentity(path.join(directory, 'real'))).rejects.toMatchObject({
      code: 'DITTO_HOME_UNSAFE',
    })
    await rm(key)
    await mkdir(key)
    await expect(loadOrCreateIdentity(path.join(directory, 'real'))).rejects.toMatchObject({
      code: 'DITTO_HOME_UNSAFE',
    })
  })

  it('makes a lost, damaged or foreign certificate again', async () => {
    const directory = await temporaryDirectory()
    const { key } = await loadOrCreateIdentity(directory)
    const foreign = await loadOrCreateIdentity(path.join(directory, 'other'))
    const file = path.join(directory, 'certificate.pem')
    for (const text of [undefined, '', 'garbage', foreign.certificatePem]) {
      if (text === undefined) await rm(file)
      else await writeFile(file, text)
      const identity = await loadOrCreateIdentity(directory)
      expect(identity.key).toBe(key)
      expect(new X509Certificate(identity.certificatePem).checkPrivateKey(createPrivateKey(identity.keyPem))).toBe(true)
      expect(await readFile(file, 'utf8')).toBe(identity.certificatePem)
    }
  })

  it('makes a certificate of 217 bytes that says nothing of its device', async () => {
    const { certificatePem, key } = await loadOrCreateIdentity(await temporaryDirectory())
    const certificate = new X509Certificate(certificatePem)
    expect(certificate.raw).toHaveLength(217)
    expect(certificate.subject).toBe('CN=dittofs')
    expect([certificate.validFrom, certificate.validTo]).toEqual([
      'Jan  1 00:00:00 2020 GMT',
      'Dec 31 23:59:59 9999 GMT',
    ])
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')).toBe(key)
  })
})

describe('an identity', () => {
  async function known() {
    const directory = await temporaryDirectory()
    await writeFile(path.join(directory, 'key.pem'), RFC_PEM, { mode: 0o600 })
    return loadOrCreateIdentity(directory)
  }

  it('signs as RFC 8032 says', async () => {
    const identity = await known()
    expect(identity.key).toBe(RFC_KEY)
    expect(Buffer.from(identity.sign(new Uint8Array())).equals(RFC_SIGNATURE)).toBe(true)
  })

  it('derives a secret of its own for each label', async () => {
    const identity = await known()
    const secret = 'fc38c3607003484545fa28f65f36df71a100c7af9767f78efb1382aa25750b21'
    expect(Buffer.from(identity.deriveSecret('dittofs signaling')).toString('hex')).toBe(secret)
    expect(Buffer.from(identity.deriveSecret('other')).toString('hex')).not.toBe(secret)
  })

  it('shows no secret when it is printed', async () => {
    const identity = await known()
    const shown = inspect(identity, { depth: 9, showHidden: true }) + JSON.stringify(identity)
    expect(shown).toContain(RFC_KEY)
    expect(shown).not.toContain('PRIVATE')
    expect(shown).not.toContain(RFC_SEED)
  })
})

describe('verifySignature', () => {
  it('accepts a signature over exactly those bytes by that key', () => {
    expect(verifySignature(RFC_KEY, new Uint8Array(), RFC_SIGNATURE)).toBe(true)
    expect(verifySignature(RFC_KEY, new Uint8Array(1), RFC_SIGNATURE)).toBe(false)
    expect(verifySignature(deviceKey.parse('11'.repeat(32)), new Uint8Array(), RFC_SIGNATURE)).toBe(false)
  })

  it('takes anything else for no signature, and throws at nothing', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(bytes(32), fc.uint8Array(), fc.oneof(bytes(64), fc.uint8Array()), (key, message, signature) => {
        expect(verifySignature(deviceKey.fromBytes(key), message, signature)).toBe(false)
      }),
    )
  })
})

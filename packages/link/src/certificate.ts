import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto'

/**
 * Makes the self-signed certificate that carries a device's key in TLS. It says nothing else: one fixed name, and
 * dates that never matter, because the clocks of offline devices are wrong.
 *
 * @returns PEM, a certificate of 217 bytes
 */
export async function makeCertificate(privateKey: KeyObject): Promise<string> {
  // Loading the library takes about 155 ms and happens once in a device's life. It asks for this polyfill before it.
  await import('reflect-metadata')
  const { X509CertificateGenerator } = await import('@peculiar/x509')
  const algorithm = { name: 'Ed25519' }
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=dittofs',
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
      signingAlgorithm: algorithm,
      keys: {
        privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
        publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
      },
    },
    webcrypto,
  )
  return `${certificate.toString('pem')}\n`
}

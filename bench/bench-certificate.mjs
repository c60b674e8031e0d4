// @peculiar/x509 asks for this polyfill to be there before it.
import 'reflect-metadata'
import { X509CertificateGenerator } from '@peculiar/x509'

/** A self-signed certificate and its key as PEM, for the receivers that raw streams go to. */
export async function makeCertificate() {
  const algorithm = { name: 'Ed25519' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=bench',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('9999-12-31'),
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  }
}

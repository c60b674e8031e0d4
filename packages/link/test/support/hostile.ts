import { randomBytes, webcrypto } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, TLSSocket, type TLSSocketOptions } from 'node:tls'
import { answerKnock, knock } from '../../src/knock.ts'
import { alice, bob, SPACE_KEYS } from './people.ts'

/** A self-signed certificate with an RSA key, which no device has. */
export async function makeRsaCertificate(): Promise<{ key: string; cert: string }> {
  await import('reflect-metadata')
  const { X509CertificateGenerator } = await import('@peculiar/x509')
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=dittofs', signingAlgorithm: algorithm, keys },
    webcrypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`
  return { key, cert: certificate.toString('pem') }
}

/** Knocks as Alice would, then begins TLS with whatever options. */
export async function knockThenTls(duplex: Duplex, options: ConnectionOptions): Promise<TLSSocket> {
  await knock(duplex, SPACE_KEYS, { randomBytes })
  const socket = connect({ ...usual(alice), ...options, socket: duplex })
  socket.on('error', () => undefined)
  return socket
}

/** Answers a knock as Bob would, then begins TLS with whatever options. */
export async function answerThenTls(duplex: Duplex, options: TLSSocketOptions): Promise<TLSSocket> {
  await answerKnock(duplex, () => SPACE_KEYS, { randomBytes })
  const socket = new TLSSocket(duplex, { ...usual(bob), ...options, isServer: true })
  socket.on('error', () => undefined)
  return socket
}

function usual(who: typeof alice) {
  return {
    key: who.keyPem,
    cert: who.certificatePem,
    ALPNProtocols: ['dittofs/1'],
    requestCert: true,
    rejectUnauthorized: false,
  }
}

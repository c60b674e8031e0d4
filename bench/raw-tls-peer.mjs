/**
 * The line that no Node program crosses: one file down one TLS 1.3 connection, written to disk and synced, without
 * index, hashing or resume.
 *
 * Usage: raw-tls-peer.mjs receive FILE [HOST]   prints the port, then waits for one file
 *        raw-tls-peer.mjs send PORT FILE [HOST]   ends when the receiver has it on disk
 *
 * HOST is an address of the receiver, 127.0.0.1 where it is not given.
 */
import { once } from 'node:events'
import tls from 'node:tls'
import { makeCertificate } from './bench-certificate.mjs'
import { receiveFile } from './receive-file.mjs'
import { sendFile } from './send-file.mjs'

const [role, ...rest] = process.argv.slice(2)

if (role === 'receive') {
  const [file, host = '127.0.0.1'] = rest
  const { cert, key } = await makeCertificate()
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3', allowHalfOpen: true }, async (socket) => {
    await receiveFile(socket, file)
    server.close()
  })
  server.listen(0, host, () => process.stdout.write(`${server.address().port}\n`))
} else {
  const [port, file, host = '127.0.0.1'] = rest
  const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false, allowHalfOpen: true })
  await once(socket, 'secureConnect')
  await sendFile(socket, file)
}

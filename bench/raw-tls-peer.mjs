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
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import tls from 'node:tls'
import { makeCertificate } from './bench-certificate.mjs'

const [role, ...rest] = process.argv.slice(2)

if (role === 'receive') {
  const [file, host = '127.0.0.1'] = rest
  const { cert, key } = await makeCertificate()
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3', allowHalfOpen: true }, async (socket) => {
    const handle = await fs.open(file, 'w')
    let pending = []
    let pendingBytes = 0
    const write = async () => {
      const batch = pending
      pending = []
      pendingBytes = 0
      await handle.writev(batch)
    }
    // Plain iteration would destroy the socket at its end, and the answer with it.
    for await (const piece of socket.iterator({ destroyOnReturn: false })) {
      pending.push(piece)
      pendingBytes += piece.length
      if (pendingBytes >= 1024 * 1024) await write()
    }
    if (pendingBytes > 0) await write()
    await handle.sync()
    await handle.close()
    socket.end('done')
    server.close()
  })
  server.listen(0, host, () => process.stdout.write(`${server.address().port}\n`))
} else {
  const [port, file, host = '127.0.0.1'] = rest
  const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false, allowHalfOpen: true })
  await once(socket, 'secureConnect')
  const answered = once(socket, 'data')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), socket, { end: false })
  socket.end()
  await answered
  socket.destroy()
}

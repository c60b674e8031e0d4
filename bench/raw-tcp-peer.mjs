/**
 * A file as it is down one plain TCP connection, written to disk and synced: what a copy costs without any program that
 * knows what the other side has.
 *
 * Usage: raw-tcp-peer.mjs receive HOST FILE      prints the port, then waits for one file
 *        raw-tcp-peer.mjs send HOST PORT FILE    ends when the receiver has it on disk
 */
import { once } from 'node:events'
import net from 'node:net'
import { receiveFile } from './receive-file.mjs'
import { sendFile } from './send-file.mjs'

const [role, host, ...rest] = process.argv.slice(2)

if (role === 'receive') {
  const server = net.createServer({ allowHalfOpen: true }, async (socket) => {
    await receiveFile(socket, rest[0])
    server.close()
  })
  server.listen(0, host, () => process.stdout.write(`${server.address().port}\n`))
} else {
  const socket = net.connect({ host, port: Number(rest[0]), allowHalfOpen: true })
  await once(socket, 'connect')
  await sendFile(socket, rest[1])
}

/**
 * A file as it is down one plain TCP connection, written to disk and synced: what a copy costs without any program that
 * knows what the other side has.
 *
 * Usage: raw-tcp-peer.mjs receive HOST FILE      prints the port, then waits for one file
 *        raw-tcp-peer.mjs send HOST PORT FILE    ends when the receiver has it on disk
 */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import net from 'node:net'
import { pipeline } from 'node:stream/promises'

const [role, host, ...rest] = process.argv.slice(2)
const PIECE_BYTES = 1024 * 1024

if (role === 'receive') {
  const server = net.createServer({ allowHalfOpen: true }, async (socket) => {
    const handle = await fs.open(rest[0], 'w')
    let pending = []
    let pendingBytes = 0
    const write = async () => {
      const batch = pending
      pending = []
      pendingBytes = 0
      await handle.writev(batch)
    }
    for await (const piece of socket.iterator({ destroyOnReturn: false })) {
      pending.push(piece)
      pendingBytes += piece.length
      if (pendingBytes >= PIECE_BYTES) await write()
    }
    if (pendingBytes > 0) await write()
    await handle.sync()
    await handle.close()
    socket.end('done')
    server.close()
  })
  server.listen(0, host, () => process.stdout.write(`${server.address().port}\n`))
} else {
  const socket = net.connect({ host, port: Number(rest[0]), allowHalfOpen: true })
  await once(socket, 'connect')
  const answered = once(socket, 'data')
  await pipeline(createReadStream(rest[1], { highWaterMark: PIECE_BYTES }), socket, { end: false })
  socket.end()
  await answered
  socket.destroy()
}

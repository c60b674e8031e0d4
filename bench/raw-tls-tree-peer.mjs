/**
 * The files of a directory down one TLS 1.3 connection, many to a write, made again on the other side: no index, no hashing,
 * no modes or times, nothing synced.
 *
 * Usage: raw-tls-tree-peer.mjs receive DIRECTORY HOST       prints the port, then waits for one tree
 *        raw-tls-tree-peer.mjs send PORT DIRECTORY HOST     ends when the receiver has written everything
 *
 * A file is the length of its name (16 bits), its size (32 bits), both big-endian, the name, its bytes. No name: the end.
 */
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import tls from 'node:tls'
import { makeCertificate } from './bench-certificate.mjs'

const HEADER_BYTES = 6
const BATCH_BYTES = 1024 * 1024
const [role, ...rest] = process.argv.slice(2)

if (role === 'receive') {
  const [root, host] = rest
  const { cert, key } = await makeCertificate()
  const directories = new Set([root])
  const place = (name) => {
    const file = path.join(root, name)
    const directory = path.dirname(file)
    if (!directories.has(directory)) fs.mkdirSync(directory, { recursive: true })
    directories.add(directory)
    return file
  }
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.3', allowHalfOpen: true }, (socket) => {
    let pieces = []
    let held = 0
    let wanted = HEADER_BYTES
    socket.on('data', (piece) => {
      pieces.push(piece)
      held += piece.length
      // Joined only when a whole file is there: one copy of each byte.
      if (held < wanted) return
      let bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
      for (;;) {
        wanted = HEADER_BYTES
        if (bytes.length < wanted) break
        const nameBytes = bytes.readUInt16BE(0)
        if (nameBytes === 0) {
          socket.end('done')
          server.close()
          return
        }
        wanted += nameBytes + bytes.readUInt32BE(2)
        if (bytes.length < wanted) break
        const start = HEADER_BYTES + nameBytes
        fs.writeFileSync(place(bytes.toString('utf8', HEADER_BYTES, start)), bytes.subarray(start, wanted))
        bytes = bytes.subarray(wanted)
      }
      pieces = [bytes]
      held = bytes.length
    })
  })
  server.listen(0, host, () => process.stdout.write(`${server.address().port}\n`))
} else {
  const [port, root, host] = rest
  const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false, allowHalfOpen: true })
  await once(socket, 'secureConnect')
  const answered = once(socket, 'data')
  let batch = []
  let batchBytes = 0
  const flush = async () => {
    const isTaken = socket.write(Buffer.concat(batch))
    batch = []
    batchBytes = 0
    if (!isTaken) await once(socket, 'drain')
  }
  for (const entry of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    const [name, bytes] = [Buffer.from(path.relative(root, file)), fs.readFileSync(file)]
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt16BE(name.length, 0)
    header.writeUInt32BE(bytes.length, 2)
    batch.push(header, name, bytes)
    batchBytes += HEADER_BYTES + name.length + bytes.length
    if (batchBytes >= BATCH_BYTES) await flush()
  }
  batch.push(Buffer.alloc(HEADER_BYTES))
  await flush()
  await answered
  socket.destroy()
}

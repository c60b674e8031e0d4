// A process of strangers: node strangers.mjs PORT COUNT silent|garbage. Ends when all have connected.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'

/** File descriptors run out. */
const OPEN_AT_ONCE = 400
const [port, count, kind] = process.argv.slice(2)
const open = []
for (let index = 0; index < Number(count); index++) {
  // Ten addresses of one attacker; the paired device has another.
  const socket = net.connect({ port: Number(port), host: '127.0.0.1', localAddress: `127.0.1.${index % 10}` })
  socket.on('error', () => undefined)
  if (kind === 'garbage') socket.on('connect', () => socket.write(randomBytes(1024)))
  socket.resume()
  open.push(socket)
  if (open.length < OPEN_AT_ONCE) continue
  const oldest = open.shift()
  if (oldest.connecting) await Promise.race([once(oldest, 'connect'), once(oldest, 'close')])
  oldest.destroy()
}
for (const socket of open) socket.destroy()

// One device that is both a central and a peripheral. It exchanges bytes with each device it hears of, and prints what
// comes of it as lines of JSON. A line on standard input gives it another announcement; it ends with standard input.
// Usage: node ble-device.mjs SEED BYTES
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { bleTransport } from '@dittofs/transport-ble'

const [seed, size] = process.argv.slice(2).map(Number)
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
const ble = bleTransport()

/** Sends what this device has to say, and takes what the other has. */
function exchange(duplex, role, remote) {
  const hash = createHash('sha256')
  let bytes = 0
  let hasBegun = false
  duplex.on('data', (data) => {
    hash.update(data)
    bytes += data.length
    if (!hasBegun) print({ event: 'begun', role, remote })
    hasBegun = true
  })
  duplex.once('end', () => print({ event: 'received', role, remote, bytes, hash: hash.digest('hex') }))
  duplex.once('close', () => print({ event: 'closed', role, remote, isClean: duplex.readableEnded }))
  duplex.end(Buffer.alloc(size, `seed ${seed} `))
}

const listener = await ble.listen({
  port: 0,
  onConnection: ({ duplex, remote }) => exchange(duplex, 'responder', remote),
})
const dialled = new Set()
let announced = seed
const discovery = await ble.discover({
  port: 0,
  announcement: () => ({ nonce: Buffer.alloc(8, announced), tags: [Buffer.alloc(8, 0xaa)] }),
  onSighting: async ({ nonce, addresses, via }) => {
    if (dialled.has(nonce[0])) return
    dialled.add(nonce[0])
    print({ event: 'sighting', seed: nonce[0], addresses, via })
    try {
      exchange(await ble.dial(addresses[0]), 'initiator', addresses[0])
    } catch (error) {
      print({ event: 'failed', message: error.message })
    }
  },
})
print({ event: 'ready', addresses: listener.addresses(), state: discovery.state() })

createInterface({ input: process.stdin })
  .on('line', () => {
    announced += 100
    discovery.refresh()
  })
  .once('close', async () => {
    await discovery.close()
    await listener.close()
    process.exit(0)
  })

// One device that only discovers: prints each sighting, and whether it could be dialled, as a line of JSON.
// Usage: node discover-device.mjs SEED [mdns] [beacon]
import { tcpTransport } from '@dittofs/transport-tcp'

const [seed, ...means] = process.argv.slice(2)
const tcp = tcpTransport({ mdns: means.includes('mdns'), beacon: means.includes('beacon') })
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const listener = await tcp.listen({ port: 0, onConnection: ({ duplex }) => duplex.end(`seed ${seed}`) })
const port = Number(/:(\d+)$/.exec(listener.addresses()[0])[1])

async function greetingAt(address) {
  try {
    const duplex = await tcp.dial(address)
    for await (const bytes of duplex) return bytes.toString()
  } catch (error) {
    return error.message
  }
}

const discovery = await tcp.discover({
  port,
  announcement: () => ({ nonce: Buffer.alloc(8, Number(seed)), tags: [Buffer.alloc(8, 0xaa)] }),
  onSighting: async ({ nonce, addresses, via }) => {
    const greetings = await Promise.all(addresses.map(greetingAt))
    print({ event: 'sighting', seed: nonce[0], via, addresses, greetings, state: discovery.state() })
  },
})
print({ event: 'ready', state: discovery.state(), addresses: listener.addresses() })

process.stdin.resume().once('end', async () => {
  await discovery.close()
  await listener.close()
  process.exit(0)
})

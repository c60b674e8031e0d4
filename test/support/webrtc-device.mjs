// One device that listens for a WebRTC connection or dials one, and sends as many bytes as it is told to.
// Usage: node webrtc-device.mjs '{"server": ORIGIN, "iceServers": [...], "hostAddresses": [...], "dial": ADDRESS, "bytes": NUMBER,
//   "waits": BOOLEAN}'
// Prints what happens as lines of JSON; takes commands as lines on standard input, and ends with it.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createIdentity } from '@dittofs/link'
import { signalChannel } from '@dittofs/signaling-client'
import { webrtcTransport } from '@dittofs/transport-webrtc'

const { server, iceServers, hostAddresses = [], dial, bytes = 0, waits = false } = JSON.parse(process.argv[2])
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const channel = signalChannel({ identity: await createIdentity(), servers: [server], mayReceive: () => true })
const transport = webrtcTransport({
  channel,
  hostAddresses,
  iceServers: () => iceServers,
  onAddresses: () => print({ event: 'addresses', addresses: channel.addresses() }),
})

let finish
const mayFinish = waits ? new Promise((resolve) => (finish = resolve)) : Promise.resolve()

/** Resident memory: once buffers and code have found their size, and the most it ever was. */
function memory() {
  let settled
  return {
    passed: (bytes) => {
      if (bytes >= 16 * 1024 ** 2) settled ??= process.memoryUsage.rss()
    },
    result: () => ({ settledBytes: settled, peakBytes: process.resourceUsage().maxRSS * 1024 }),
  }
}

function receive(duplex) {
  const hash = createHash('sha256')
  const used = memory()
  let received = 0
  let told = 0
  duplex.on('data', (part) => {
    hash.update(part)
    received += part.length
    used.passed(received)
    if (received - told < 64 * 1024) return
    told = received
    print({ event: 'progress', received })
  })
  duplex.once('end', () => {
    print({ event: 'received', bytes: received, sha256: hash.digest('hex'), memory: used.result() })
  })
  duplex.on('error', (error) => print({ event: 'error', message: error.message }))
}

async function send(duplex, total) {
  const hash = createHash('sha256')
  const used = memory()
  for (let left = total; left > 0; ) {
    const part = randomBytes(Math.min(left, 64 * 1024))
    left -= part.length
    used.passed(total - left)
    if (left === 0) await mayFinish
    hash.update(part)
    if (!duplex.write(part)) await once(duplex, 'drain')
  }
  duplex.end()
  print({ event: 'sent', sha256: hash.digest('hex'), memory: used.result() })
}

const tellError = (error) => print({ event: 'error', message: error.message })
const run = async (duplex) => {
  receive(duplex)
  await send(duplex, bytes)
}

createInterface({ input: process.stdin })
  .on('line', (command) => {
    if (command === 'networkChanged') transport.networkChanged()
    if (command === 'finish') finish()
  })
  .once('close', async () => {
    await transport.close()
    process.exit(0)
  })

if (dial === undefined)
  await transport.listen({ port: 0, onConnection: ({ duplex }) => void run(duplex).catch(tellError) })
else {
  try {
    await run(await transport.dial(dial))
  } catch (error) {
    tellError(error)
  }
}

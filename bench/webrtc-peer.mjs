/**
 * One side of a transfer over WebRTC in a process of its own. Signals go to the parent, which hands them to the other side.
 *
 * Usage: webrtc-peer.mjs send|receive ASSOCIATIONS BYTES DELAY
 *   0 associations: one of bare werift, without this project
 *   DELAY: milliseconds that each datagram waits before it is sent, as on a longer way
 */
import dgram from 'node:dgram'
import { webrtcTransport } from '@dittofs/transport-webrtc'
import { RTCPeerConnection } from 'werift'

const [role, associations, size] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const delayMs = Number(process.argv[5])
const isSender = role === 'send'
const LOOPBACK = ['127.0.0.1']
const KEY = (isSender ? '1' : '2').padStart(64, '0')
const OTHER = `webrtc://${(isSender ? '2' : '1').padStart(64, '0')}@bench.invalid`
const piece = Buffer.alloc(64 * 1024, 7)

if (delayMs > 0) {
  const { send } = dgram.Socket.prototype
  dgram.Socket.prototype.send = function (...args) {
    setTimeout(() => {
      try {
        send.apply(this, args)
      } catch {
        // The socket was closed meanwhile; on a network the datagram would be lost as well.
      }
    }, delayMs)
  }
}

/** Counts what arrives and tells the parent how long it took from the first byte. */
function counter() {
  let received = 0
  let since = 0
  let before
  return (bytes) => {
    if (received === 0) {
      since = performance.now()
      before = process.cpuUsage()
    }
    received += bytes.length
    if (received < size) return
    const { user, system } = process.cpuUsage(before)
    const peak = process.resourceUsage().maxRSS * 1024
    process.send({ ms: performance.now() - since, cpuMs: (user + system) / 1000, peak })
  }
}

function bare() {
  const connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: LOOPBACK })
  const signal = (body) => process.send({ signal: body })
  connection.onIceCandidate.subscribe((candidate) => signal({ candidate: candidate ?? null }))
  const describe = async (description) => {
    signal({ description })
    await connection.setLocalDescription(description)
  }
  process.on('message', async ({ signal: { description, candidate } }) => {
    if (description === undefined) return connection.addIceCandidate(candidate)
    await connection.setRemoteDescription(description)
    if (description.type === 'offer') await describe(await connection.createAnswer())
  })
  if (!isSender) {
    connection.onDataChannel.subscribe((channel) => void channel.onMessage.subscribe(counter()))
    return
  }
  const channel = connection.createDataChannel('bench')
  const message = piece.subarray(0, 16 * 1024)
  let sent = 0
  const fill = () => {
    for (; sent < size && channel.bufferedAmount < 256 * 1024; sent += message.length) channel.send(message)
  }
  channel.bufferedAmountLowThreshold = 64 * 1024
  channel.bufferedAmountLow.subscribe(fill)
  channel.stateChanged.subscribe((state) => state === 'open' && fill())
  setTimeout(() => void connection.createOffer().then(describe), 500)
}

async function whole() {
  const channel = {
    open: ({ onSignal }) => void process.on('message', ({ signal }) => onSignal(signal)),
    addresses: () => [`webrtc://${KEY}@bench.invalid`],
    state: () => [],
    send: async (_, signal) =>
      void process.send({ signal: { ...signal, device: KEY, from: `webrtc://${KEY}@bench.invalid` } }),
    close: async () => undefined,
  }
  const transport = webrtcTransport({ channel, hostAddresses: LOOPBACK, associations })
  if (!isSender) {
    await transport.listen({ port: 0, onConnection: ({ duplex }) => void duplex.on('data', counter()) })
    return
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  const duplex = await transport.dial(OTHER)
  for (let sent = 0; sent < size; sent += piece.length) {
    if (!duplex.write(piece)) await new Promise((resolve) => duplex.once('drain', resolve))
  }
}

if (associations === 0) bare()
else await whole()

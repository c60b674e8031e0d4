// What runs in the page: our own signaling client, and peers over the browser's own WebRTC. Tests call globalThis.dittofs.
import { signalChannel } from '@dittofs/signaling-client'
import { Peer } from './peer.mjs'

const peers = new Map()
let channel
let onIncoming = () => undefined

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16))

function peer(session, remote, isDialer) {
  const made = new Peer({
    isDialer,
    send: (kind, body) => channel.send(remote, { session, kind, body }),
  })
  peers.set(session, { made, turn: Promise.resolve() })
  return made
}

function onSignal(signal) {
  if (!peers.has(signal.session)) {
    if (signal.kind !== 'offer') return
    onIncoming(peer(signal.session, signal.from, false))
  }
  const known = peers.get(signal.session)
  known.turn = known.turn.then(() => known.made.receive(signal)).catch((error) => console.error(error))
}

async function connect(address) {
  const session = hex(crypto.getRandomValues(new Uint8Array(16)))
  const dialled = peer(session, address, true)
  await dialled.offer()
  await dialled.open
  return dialled
}

/** Sends random bytes and reads to the end of the other side's. */
async function exchange(connected, bytes) {
  const parts = []
  const ended = new Promise((resolve) => {
    connected.onEnd = resolve
  })
  connected.onData = (part) => parts.push(part)
  await connected.open
  const own = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(own.subarray(at, at + 65_536))
  await connected.write(own)
  connected.end()
  await ended
  const received = new Uint8Array(await new Blob(parts).arrayBuffer())
  const sha256 = async (data) => hex(new Uint8Array(await crypto.subtle.digest('SHA-256', data)))
  const result = {
    sent: await sha256(own),
    received: { bytes: received.length, sha256: await sha256(received) },
    path: await connected.path(),
  }
  connected.close()
  peers.clear()
  return result
}

globalThis.dittofs = {
  /** Registers at a signaling server; resolves with the page's address there. */
  register({ server, key, seed, proof }) {
    const identity = { key, sign: () => unhex(proof), deriveSecret: () => unhex(seed) }
    channel = signalChannel({ identity, servers: [server], mayReceive: () => true })
    return new Promise((resolve) => {
      channel.open({
        onSignal,
        onChange: () => {
          const [address] = channel.addresses()
          if (address !== undefined) resolve(address)
        },
      })
    })
  },

  dial: async (address, bytes) => exchange(await connect(address), bytes),

  /** The way in use by the connection that is open. */
  async path() {
    const [{ made }] = peers.values()
    return made.path()
  },

  answer: (bytes) =>
    new Promise((resolve, reject) => {
      onIncoming = (incoming) => exchange(incoming, bytes).then(resolve, reject)
    }),

  /** Joins a connection to a WebSocket: bytes go through unchanged, whatever they are. */
  async bridge(address, url) {
    const connected = await connect(address)
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    let writing = new Promise((resolve) => {
      socket.onopen = resolve
    })
    connected.onData = (part) => {
      writing = writing.then(() => socket.send(part))
    }
    connected.onEnd = () => {
      writing = writing.then(() => socket.close(1000))
    }
    connected.onClose = () => socket.close(1000)
    let sending = Promise.resolve()
    socket.onmessage = ({ data }) => {
      sending = sending.then(() => connected.write(new Uint8Array(data)))
    }
    socket.onclose = () => {
      void sending.finally(() => connected.close())
    }
  },
}

await fetch('/loaded')

/**
 * Memory and delay of one signaling server with many idle devices: starts the built server, registers the devices over
 * loopback, waits, and passes signals between a few of them.
 *
 * Usage: node signaling/bench/idle-devices.mjs [devices, 10000 by default]
 *
 * Both processes need as many file descriptors as there are devices: see `ulimit -n`.
 */
import { spawn } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import {
  decodeSignalingMessage,
  encodeSignalingMessage,
  registrationText,
  SIGNALING_PATH,
  SIGNALING_SUBPROTOCOL,
} from '@dittofs/wire'
import { WebSocket } from 'ws'

const devices = Number(process.argv[2] ?? 10_000)
const SPARE_DESCRIPTORS = 200
const AT_ONCE = 64
const IDLE_MS = 35_000
const SIGNALS = 2000

const limit = process.report.getReport().userLimits?.open_files?.soft
if (typeof limit === 'number' && limit < devices + SPARE_DESCRIPTORS) {
  process.stderr.write(
    `${devices} devices need ${devices + SPARE_DESCRIPTORS} file descriptors, and ulimit -n is ${limit}.\n`,
  )
  process.exit(1)
}

const program = path.resolve(import.meta.dirname, '..', 'bin', 'dittofs-signaling.js')
const limits = [
  '--max-connections',
  devices + 1,
  '--connections-per-address',
  devices + 1,
  '--registrations-per-second',
  100_000,
]
const server = spawn(process.execPath, [program, '--host', '127.0.0.1', '--port', '0', ...limits.map(String)], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
process.on('exit', () => server.kill())
const [port] = await new Promise((resolve) => {
  createInterface({ input: server.stdout }).on('line', (line) => {
    const entry = JSON.parse(line)
    if (entry.event === 'server:listen') resolve([entry.port])
  })
})
const origin = `ws://127.0.0.1:${port}`

/** Resident memory in bytes. */
function residentBytes() {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024
}

/** Seconds of processor time so far. */
function processorSeconds() {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function registered() {
  const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' })
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const key = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-32)
  const socket = new WebSocket(origin + SIGNALING_PATH, SIGNALING_SUBPROTOCOL, { perMessageDeflate: false })
  const device = { key, socket, onMessage: undefined }
  await new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)))
    socket.on('message', (data) => {
      const message = decodeSignalingMessage(data)
      if (message.type === 'challenge') {
        const signature = sign(null, registrationText(origin, message.nonce, key), privateKey)
        socket.send(encodeSignalingMessage({ type: 'register', key, origin, signature }))
      } else if (message.type === 'registered') resolve()
      else device.onMessage?.(message)
    })
  })
  return device
}

const emptyBytes = residentBytes()
const all = []
// As a device does every 30 seconds, from the start: registering all of them may take longer than the server waits.
const heartbeat = setInterval(() => {
  for (const device of all) device?.socket.send(encodeSignalingMessage({ type: 'ping', nonce: 1 }))
}, 30_000)
const startedMs = performance.now()
const startedCpu = processorSeconds()
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (all.length < devices) {
      const slot = all.push(undefined) - 1
      all[slot] = await registered()
    }
  }),
)
const registrationMs = performance.now() - startedMs
const registrationCpu = processorSeconds() - startedCpu

const idleCpu = processorSeconds()
await delay(IDLE_MS)
clearInterval(heartbeat)
const idleLoad = ((processorSeconds() - idleCpu) / IDLE_MS) * 1000
const idleBytes = residentBytes()

const delays = []
const sealed = new Uint8Array(1024 + 48)
for (let i = 0; i < SIGNALS; i++) {
  // Another sender each time: one key may send 20 a second.
  const [from, to] = [all[(2 * i) % all.length], all[(2 * i + 1) % all.length]]
  const sentMs = performance.now()
  const delivered = new Promise((resolve) => {
    to.onMessage = (message) => message.type === 'deliver' && resolve()
  })
  from.socket.send(encodeSignalingMessage({ type: 'send', id: i, to: to.key, sealed }))
  await delivered
  delays.push(performance.now() - sentMs)
}
delays.sort((a, b) => a - b)

const MB = 1024 * 1024
process.stdout.write(
  [
    `devices                  ${devices}`,
    `memory without devices   ${(emptyBytes / MB).toFixed(0)} MB`,
    `memory with all idle     ${(idleBytes / MB).toFixed(0)} MB, ${((idleBytes - emptyBytes) / devices / 1024).toFixed(1)} KB a device`,
    `registrations            ${((devices / registrationMs) * 1000).toFixed(0)} a second, ${((registrationCpu / devices) * 1000).toFixed(2)} ms of processor time each`,
    `processor while idle     ${(idleLoad * 100).toFixed(1)} % of one core`,
    `delay of a signal        ${delays[SIGNALS / 2].toFixed(2)} ms in the middle, ${delays[Math.floor(SIGNALS * 0.99)].toFixed(2)} ms for 99 of 100`,
    '',
  ].join('\n'),
)
const exited = once(server, 'exit')
server.kill('SIGTERM')
const [code] = await exited
process.exit(code)

/**
 * One step of the metadata benchmark in a process of its own, so that its memory is its own. Sends one object of numbers to
 * the parent: milliseconds, longest turns of the event loop in milliseconds, bytes.
 *
 * Usage: node --expose-gc metadata-device.mjs make|open|receive|change DIRECTORY ENTRIES
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto'
import { existsSync, openSync, readFileSync, readSync } from 'node:fs'
import path from 'node:path'
import { openMetadataStore } from '@dittofs/metadata'

const [step, directory, size] = [process.argv[2], process.argv[3], Number(process.argv[4])]
/** Files in a directory, but for one of a tenth of all. */
const FILES_A_DIRECTORY = 100
const DIRECTORIES_A_DIRECTORY = 100
const ACTIONS_A_BATCH = 5000
const SPACE = '5a'.repeat(32)
const silent = () => undefined

function device(name) {
  const seed = createHash('sha256').update(name).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: raw.toString('hex'), sign: (bytes) => new Uint8Array(sign(null, bytes, key)) }
}

function verifySignature(key, bytes, signature) {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key, 'hex')])
  return verify(null, bytes, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature)
}

const ALICE = device('alice')

async function openStore(name) {
  const { key, sign: signBytes } = device(name)
  return openMetadataStore({
    directory: path.join(directory, name),
    space: SPACE,
    device: key,
    sign: signBytes,
    verify: verifySignature,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    clock: { now: () => Date.now() },
    deviceLabel: (label) => label.slice(0, 7),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  })
}

/** Linux says how long this thread was ready to run and others ran instead; elsewhere it counts as held. */
const schedule = existsSync('/proc/self/schedstat') ? openSync('/proc/self/schedstat', 'r') : undefined
const line = Buffer.alloc(128)

function waitedMs() {
  if (schedule === undefined) return 0
  const length = readSync(schedule, line, 0, line.length, 0)
  return Number(line.toString('latin1', 0, length).split(' ')[1]) / 1e6
}

/**
 * Watches how long the event loop is held: from one look to the next, all that runs in between included, the time that
 * other processes had the processor excluded.
 */
function watchTurns() {
  let longest = 0
  let overTen = 0
  let last = performance.now()
  let waited = waitedMs()
  let isOver = false
  const look = () => {
    const [now, waitedNow] = [performance.now(), waitedMs()]
    const turn = now - last - (waitedNow - waited)
    last = now
    waited = waitedNow
    if (turn > longest) longest = turn
    if (turn > 10) overTen += 1
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  return () => {
    look()
    isOver = true
    return { longest, overTen }
  }
}

const result = {}

/** Measures one phase: its time, its longest turn, its turns of more than 10 ms. */
async function phase(name, body) {
  const stop = watchTurns()
  const [start, waited] = [performance.now(), waitedMs()]
  const value = await body()
  result[`${name}Ms`] = performance.now() - start
  result[`${name}OwnMs`] = performance.now() - start - (waitedMs() - waited)
  const { longest, overTen } = stop()
  result[`${name}Turn`] = longest
  result[`${name}Over`] = overTen
  return value
}

const file = (number) => {
  const id = createHash('sha256').update(String(number)).digest('hex')
  const content = { kind: 'inline', chunks: [{ id, length: 4096 }] }
  return { size: 4096, mtimeNs: 1_700_000_000_000_000_000n + BigInt(number), mode: 0o644, content }
}

function* actions() {
  const large = Math.floor(size / 10)
  for (let number = 0; number < size; number += 1) {
    const at = Math.floor((number - large) / FILES_A_DIRECTORY)
    const below = `d${Math.floor(at / DIRECTORIES_A_DIRECTORY)}/directory ${at}`
    yield {
      type: 'write',
      path: `${number < large ? 'large' : below}/a file of the tree ${number}.txt`,
      file: file(number),
    }
  }
}

async function inBatches(store) {
  let batch = []
  for (const action of actions()) {
    batch.push(action)
    if (batch.length < ACTIONS_A_BATCH) continue
    await store.transact(batch)
    batch = []
  }
  if (batch.length > 0) await store.transact(batch)
}

/** Resident memory that is no mapped file: LevelDB maps its tables, which the system takes back when it needs to. */
function ownResident() {
  if (!existsSync('/proc/self/status')) return undefined
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}

function memory() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage()
}

async function make() {
  const store = await openStore('alice')
  await phase('make', () => inBatches(store))
  const some = actions()
  const removals = Array.from({ length: 100 }, () => ({ type: 'remove', path: some.next().value.path }))
  await phase('remove', () => store.transact(removals))
  await phase('makeClose', () => store.close())
}

async function open() {
  const before = memory()
  const store = await phase('open', () => openStore('alice'))
  // A compaction may be under way: what the store holds is wanted.
  const after = memory()
  result.heapBytes = after.heapUsed - before.heapUsed
  result.externalBytes = after.arrayBuffers - before.arrayBuffers
  result.rssBytes = ownResident() ?? after.rss
  let isFirst = true
  await phase('walk', async () => {
    const start = performance.now()
    for await (const batch of store.walk('')) {
      if (isFirst && batch.length > 0) result.firstMs = performance.now() - start
      isFirst = false
    }
  })
  await phase('children', async () => store.children('large'))
  await phase('digest', async () => store.digest())
  await phase('close', () => store.close())
  result.peakBytes = process.resourceUsage().maxRSS * 1024
}

async function change() {
  const store = await openStore('alice')
  await phase('rename', () => store.transact([{ type: 'move', from: 'd0', to: 'renamed' }]))
  await phase('delete', () => store.transact([{ type: 'remove', path: 'renamed' }]))
  await store.close()
}

async function receive() {
  const alice = await openStore('alice')
  const bob = await openStore('bob')
  bob.onChange(silent)
  await phase('receive', async () => {
    for (const message of await alice.receive(bob.hello(), ALICE.key, true)) {
      await bob.receive(message, ALICE.key, true)
    }
  })
  result.isSame = Number(Buffer.compare(alice.digest(), bob.digest()) === 0)
  await bob.close()
  await alice.close()
}

await { make, open, receive, change }[step]()
if (process.send === undefined) console.log(result)
else process.send(result, () => process.exit(0))

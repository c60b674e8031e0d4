/**
 * Two devices on this machine, from nothing to the same files on both, in temporary homes that are removed at the end.
 *
 * Usage: npm run demo [-- DIRECTORY]   DIRECTORY is what to add; by default the TypeScript compiler as installed here
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { lstat, mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import './setup.mjs'

const root = path.resolve(import.meta.dirname, '..')
const cli = path.join(root, 'apps', 'cli', 'bin', 'dittofs.js')
const source = path.resolve(process.argv[2] ?? path.join(root, 'node_modules', 'typescript', 'lib'))
const scratch = await mkdtemp(path.join(tmpdir(), 'dittofs-demo-'))
const daemons = []

const say = (text) => process.stdout.write(`${text}\n`)
const mebibytes = (bytes) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`

function start(device, args, stdio) {
  return spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, DITTOFS_HOME: path.join(scratch, device) },
    stdio,
  })
}

/** Runs one command of a device and gives what it printed. */
async function run(device, ...args) {
  say(`  ${device}$ dittofs ${args.join(' ')}`)
  return quietly(device, ...args)
}

async function quietly(device, ...args) {
  const child = start(device, args, ['ignore', 'pipe', 'inherit'])
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece
  })
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`dittofs ${args[0]} on ${device} ended with ${status}`)
  return text
}

async function startDaemon(device) {
  const args = ['daemon', '--json', '--name', device, '--host', '127.0.0.1', '--no-mdns', '--no-beacon']
  say(`  ${device}$ dittofs ${args.filter((word) => word !== '--json').join(' ')} &`)
  const daemon = start(device, args, ['ignore', 'pipe', 'ignore'])
  daemons.push(daemon)
  const ended = once(daemon, 'exit').then(([status]) => {
    throw new Error(`the daemon of ${device} ended with ${status}`)
  })
  ended.catch(() => undefined)
  const [line] = await Promise.race([once(createInterface({ input: daemon.stdout }), 'line'), ended])
  return JSON.parse(line)
}

async function describe(directory, prefix = '') {
  const lines = []
  for (const name of (await readdir(directory)).sort()) {
    const file = path.join(directory, name)
    const stat = await lstat(file)
    if (stat.isDirectory()) lines.push(`${prefix}${name}/`, ...(await describe(file, `${prefix}${name}/`)))
    else if (stat.isSymbolicLink()) lines.push(`${prefix}${name} -> ${await readlink(file)}`)
    else {
      const hash = createHash('sha256')
      await pipeline(createReadStream(file), hash)
      lines.push(`${prefix}${name} ${stat.mode & 0o777} ${hash.digest('hex')}`)
    }
  }
  return lines
}

try {
  say('1. Two devices start, each with a home of its own.')
  const alice = await startDaemon('alice')
  const bob = await startDaemon('bob')
  say(`     alice is ${alice.device.id}`)
  say(`     bob is   ${bob.device.id}`)

  say('2. They pair: a ticket from one, typed at the other.')
  const ticket = (await run('alice', 'invite')).trim()
  say(`     ${ticket.slice(0, 40)}...`)
  say((await run('bob', 'join', ticket)).trimEnd().replaceAll(/^/gm, '     '))

  say(`3. alice adds ${source}.`)
  say((await run('alice', 'add', source, '--as', 'demo')).trimEnd().replaceAll(/^/gm, '     '))

  say('4. bob receives it.')
  const { files } = JSON.parse(await quietly('alice', 'status', '--json')).spaces[0]
  for (let last = ''; ; await delay(100)) {
    const space = JSON.parse(await quietly('bob', 'status', '--json')).spaces[0]
    const line = `     ${space.files} of ${files} files known, ${mebibytes(space.bytes - space.missingBytes)} of ${mebibytes(space.bytes)} here`
    if (line !== last) say(line)
    last = line
    if (space.files === files && space.missingChunks === 0) break
  }
  await run('bob', 'sync')
  const arrived = path.join(scratch, 'arrived')
  await run('bob', 'get', 'demo', '-o', arrived)

  say('5. Both trees are compared, byte for byte.')
  const [here, there] = await Promise.all([describe(source), describe(arrived)])
  if (here.join('\n') !== there.join('\n')) throw new Error('the trees differ')
  say(`     ${here.length} entries, all the same.`)
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`)
  process.exitCode = 1
} finally {
  for (const daemon of daemons) {
    if (daemon.exitCode === null && daemon.signalCode === null) {
      const ended = once(daemon, 'exit')
      daemon.kill('SIGTERM')
      await ended
    }
  }
  await rm(scratch, { recursive: true, force: true })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { ProcessDevice } from './support/process-device.ts'
import { describeTree, writeLargeFile, writeRandomTree } from './support/tree.ts'

const CLI_ENTRY = path.resolve('apps/cli/bin/dittofs.js')
const MIB = 1024 * 1024

/** A command that runs beside the test; ended with it. */
function begin(home: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], {
    env: { ...process.env, DITTOFS_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Begins to send, and gives the ticket. */
async function send(home: string, ...args: readonly string[]): Promise<{ ticket: string; ended: Promise<number> }> {
  const child = begin(home, 'send', ...args)
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(child, 'close').then(([status]) => status as number)
  const line = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve)
  })
  const ticket = await Promise.race([line, ended.then(() => Promise.reject(new Error(`send ended: ${said}`)))])
  return { ticket, ended }
}

/** A device that runs no daemon: each command is online by itself. */
async function alone(directory: string, name: string): Promise<ProcessDevice> {
  const device = new ProcessDevice({ home: path.join(directory, `home of ${name}`), name })
  await device.must('status')
  const settings = 'host = "127.0.0.1"\nmdns = false\nbeacon = false\n'
  await writeFile(path.join(device.home, 'config.toml'), settings)
  return device
}

/** How many bytes of a transfer have come: the packs of the pool. */
async function packBytes(device: ProcessDevice): Promise<number> {
  const names = await readdir(path.join(device.home, 'chunks'), { recursive: true })
  let bytes = 0
  for (const name of names) {
    const found = await stat(path.join(device.home, 'chunks', name)).catch(() => undefined)
    if (found?.isFile() === true && name.includes('pack')) bytes += found.size
  }
  return bytes
}

async function expectNothingLeft(device: ProcessDevice): Promise<void> {
  const status = await device.json<{ spaces: { name: string }[]; peers: unknown[]; chunks: { count: number } }>(
    'status',
  )
  expect(status).toMatchObject({ spaces: [{ name: 'home' }], peers: [], chunks: { count: 0 } })
  const numbered = (await readdir(path.join(device.home, 'spaces'))).filter((name) => /\d/.test(name))
  expect(numbered.sort()).toEqual(['1', 'history-1'])
}

describe('send and receive, between programs', () => {
  it('brings a tree through daemons, and leaves nothing', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start()
    const source = path.join(directory, 'photos')
    await writeRandomTree(source, { files: 500, maxFileBytes: 16_384, seed: 1 })
    const { ticket, ended } = await send(alice.home, source)
    const result = await bob.json<{ files: number }>('receive', ticket, '-o', path.join(directory, 'inbox'))
    expect(result.files).toBe(500)
    expect(await ended).toBe(0)
    expect(await describeTree(path.join(directory, 'inbox', 'photos'))).toEqual(await describeTree(source))
    await expectNothingLeft(alice)
    await expectNothingLeft(bob)
  })

  it('goes on with the same ticket after the receiver was killed', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = [await alone(directory, 'alice'), await alone(directory, 'bob')]
    const film = path.join(directory, 'film.mov')
    await writeLargeFile(film, 256 * MIB, 2)
    const { ticket, ended } = await send(alice.home, film)
    const inbox = path.join(directory, 'inbox')
    const first = begin(bob.home, 'receive', ticket, '-o', inbox)
    const killed = once(first, 'close')
    // The pool grows without telling anybody: it is asked until there is something to go on with.
    while ((await packBytes(bob)) < 32 * MIB && first.exitCode === null) await new Promise(setImmediate)
    first.kill('SIGKILL')
    expect(await killed).toEqual([null, 'SIGKILL'])
    expect(await readdir(inbox).catch(() => [])).not.toContain('film.mov')

    const result = await bob.json<{ fetchedBytes: number; bytes: number }>('receive', ticket, '-o', inbox)
    expect(result.bytes).toBe(256 * MIB)
    expect(result.fetchedBytes).toBeLessThan(256 * MIB - 16 * MIB)
    expect((await readFile(path.join(inbox, 'film.mov'))).equals(await readFile(film))).toBe(true)
    expect(await ended).toBe(0)
    await expectNothingLeft(alice)
    await expectNothingLeft(bob)
  })

  it('refuses a taken path, a bad ticket and one of the other kind, each with its exit status', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start()
    const note = path.join(directory, 'note.txt')
    await writeFile(note, 'new')
    const { ticket, ended } = await send(alice.home, note)
    const inbox = path.join(directory, 'inbox')
    await mkdir(inbox)
    await writeFile(path.join(inbox, 'note.txt'), 'old')
    const taken = await bob.run('receive', ticket, '-o', inbox)
    expect(taken).toMatchObject({ status: 1 })
    expect(taken.stderr).toContain('--replace')
    expect(await readFile(path.join(inbox, 'note.txt'), 'utf8')).toBe('old')
    expect((await bob.run('receive', `${ticket.slice(0, -1)}0`)).status).toBe(2)
    const joined = await bob.run('join', ticket)
    expect(joined.status).toBe(2)
    expect(joined.stderr).toContain('dittofs receive')
    const invitation = (await alice.must('invite')).trim()
    expect((await bob.run('receive', invitation)).stderr).toContain('dittofs join')
    await bob.must('receive', ticket, '-o', inbox, '--replace')
    expect(await readFile(path.join(inbox, 'note.txt'), 'utf8')).toBe('new')
    expect(await ended).toBe(0)
  })

  it('ends when nobody came before the ticket expired, and leaves nothing', async () => {
    const directory = await temporaryDirectory()
    const [alice] = [await alone(directory, 'alice')]
    await writeFile(path.join(directory, 'note.txt'), 'new')
    const { ended } = await send(alice.home, path.join(directory, 'note.txt'), '--expires', '1s')
    expect(await ended).toBe(1)
    await expectNothingLeft(alice)
  })

  it('leaves nothing at the next start where the sender was killed', async () => {
    const directory = await temporaryDirectory()
    const alice = await alone(directory, 'alice')
    await writeFile(path.join(directory, 'note.txt'), 'new')
    const child = begin(alice.home, 'send', path.join(directory, 'note.txt'))
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
    await expectNothingLeft(alice)
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, open, readFile, rm, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { pair } from './support/pairing.ts'
import { writeLargeFile } from './support/tree.ts'

const CLI_ENTRY = path.resolve('apps/cli/bin/dittofs.js')
const MIB = 1024 * 1024

interface Exported {
  readonly file: string
  readonly bytes: number
  readonly isWhole: boolean
  readonly isResumed: boolean
}

/** Begins a command that is to be killed. */
function begin(home: string, ...args: readonly string[]): ChildProcess {
  const env = { ...process.env, DITTOFS_HOME: home }
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], { env, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Kills a command when a file has grown to a size. */
async function killAt(child: ChildProcess, file: string, size: number): Promise<void> {
  const ended = once(child, 'close')
  // A file tells nobody that it grows: it is asked.
  while ((await sizeOf(file)) < size && child.exitCode === null) await new Promise(setImmediate)
  child.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
}

describe('two devices that were paired and that no network joins any more', () => {
  it('carry 200 MiB on a stick, through kills, cuts, changed bytes and wrong hands', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob, carol] = onLoopback(directory, ['alice', 'bob', 'carol'])
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    const both = path.join(directory, 'both')
    await writeLargeFile(both, MIB, 4)
    await alice.must('add', both)
    await bob.must('sync')
    await alice.must('status', '--wait')
    await alice.stop()
    await bob.stop()

    const film = path.join(directory, 'film.mov')
    await writeLargeFile(film, 200 * MIB, 5)
    await alice.must('add', film)
    const bundle = path.join(directory, 'home-for-bob.dittofs')
    await killAt(begin(alice.home, 'export', directory, '--for', 'bob'), bundle, 100 * MIB)
    const exported = await alice.json<Exported>('export', directory, '--for', 'bob')
    expect(exported).toMatchObject({ file: bundle, isWhole: false, isResumed: true })
    expect(exported.bytes).toBe(await sizeOf(bundle))
    expect(exported.bytes).toBeLessThan(201 * MIB)

    expect((await carol.run('import', bundle)).status).toBe(1)
    expect((await carol.run('import', bundle)).stderr).toContain('another device')

    const damaged = path.join(directory, 'damaged.dittofs')
    await copyFile(bundle, damaged)
    await truncate(damaged, 60 * MIB)
    expect((await bob.run('import', damaged)).status).toBe(5)
    await copyFile(bundle, damaged)
    const handle = await open(damaged, 'r+')
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 120 * MIB)
    await handle.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, 120 * MIB)
    await handle.close()
    expect((await bob.run('import', damaged)).status).toBe(5)

    const imported = await bob.json<{ isResumed: boolean; newBytes: number; bytes: number }>('import', bundle)
    expect(imported.isResumed).toBe(true)
    expect(imported.bytes).toBeLessThan(150 * MIB)
    await bob.must('get', 'film.mov', '-o', path.join(directory, 'arrived.mov'))
    expect((await readFile(path.join(directory, 'arrived.mov'))).equals(await readFile(film))).toBe(true)
    expect(await bob.json('verify')).toMatchObject({ damaged: [] })

    // The way back: bob changed something, and alice's device does not take it after it removed bob.
    await bob.must('mv', 'film.mov', 'kept.mov')
    await rm(bundle)
    const back = await bob.json<Exported>('export', directory, '--for', 'alice')
    const missing = await alice.run('export', path.join(directory, 'x'), '--for', 'nobody')
    expect(missing.status).toBe(4)
    await alice.must('import', back.file)
    expect(await alice.must('list')).toContain('kept.mov')
    const devices = await alice.json<{ id: string; name: string }[]>('devices')
    const id = devices.find(({ name }) => name === 'bob')?.id ?? ''
    await alice.must('devices', 'remove', id)
    expect((await alice.run('import', back.file)).status).toBe(1)
  })

  it('carry from one that keeps running its daemon to another that does too', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    await alice.stop()
    await bob.stop()
    const note = path.join(directory, 'note.bin')
    await writeLargeFile(note, MIB, 6)
    await alice.must('add', note)
    const { file } = await alice.json<Exported>('export', directory, '--for', 'bob')
    await bob.start()
    await bob.must('import', file)
    await bob.must('get', 'note.bin', '-o', path.join(directory, 'arrived'))
    expect((await readFile(path.join(directory, 'arrived'))).equals(await readFile(note))).toBe(true)
  })
})

import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { pair, peerAddress } from './support/pairing.ts'
import { ProcessDevice } from './support/process-device.ts'

const MIB = 1024 * 1024
const LOCAL = ['--no-mdns', '--no-beacon', '--host', '127.0.0.1']

interface Entry {
  path: string
  missingChunks: number
  chunks: number
  pin?: string
}

async function startDevice(directory: string, name: string): Promise<ProcessDevice> {
  const device = new ProcessDevice({ home: path.join(directory, name), name, daemonArgs: LOCAL })
  onTestFinished(async () => void (await device.stop()))
  await device.start()
  return device
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size
  }
  return bytes
}

describe('evict, with two daemons', () => {
  it('is refused while the other is away, frees the disk once it is there, and what is evicted can be got', async () => {
    const directory = await temporaryDirectory()
    const alice = await startDevice(directory, 'alice')
    const bob = await startDevice(directory, 'bob')
    await pair(alice, bob)
    const film = pseudoRandomBytes(9, 16 * MIB)
    const source = path.join(directory, 'films')
    await mkdir(source)
    await writeFile(path.join(source, 'film.bin'), film)
    await alice.must('add', source)
    await alice.must('status', '--wait', '--timeout', '300s')
    const chunks = path.join(alice.home, 'chunks')
    const before = await bytesIn(chunks)
    expect(before).toBeGreaterThan(16 * MIB)

    await bob.stop()
    const refused = await alice.run('--json', 'evict', 'films')
    expect(refused.status).toBe(3)
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'DITTO_PEER_UNREACHABLE' } })
    expect(await bytesIn(chunks)).toBe(before)
    expect((await alice.json<Entry[]>('list', 'films/film.bin'))[0]).not.toHaveProperty('pin')

    await bob.start('--peer', peerAddress(alice))
    await bob.must('sync', '--timeout', '300s')
    await alice.must('status', '--wait', '--timeout', '300s')
    expect(await alice.json('evict', 'films')).toMatchObject({
      path: 'films',
      files: 1,
      bytes: film.length,
      skipped: [],
    })
    expect(await bytesIn(chunks)).toBeLessThan(before - 15 * MIB)
    await alice.must('status', '--wait', '--timeout', '300s')
    const [evicted] = await alice.json<Entry[]>('list', 'films/film.bin')
    expect(evicted).toMatchObject({ pin: 'evicted', missingChunks: evicted?.chunks })
    expect(await alice.must('list', 'films/film.bin')).toContain('evicted here')
    expect(await alice.must('why', 'films/film.bin')).toContain('"films" is evicted here')
    // The one copy that is left stays where it is.
    expect((await bob.run('evict', 'films')).status).toBe(3)

    const copy = path.join(directory, 'copy.bin')
    await alice.must('get', 'films/film.bin', '-o', copy)
    expect((await readFile(copy)).equals(film)).toBe(true)
    await alice.must('collect')
    expect(await bytesIn(chunks)).toBeLessThan(before - 15 * MIB)
    expect(await alice.must('pin', 'films')).toContain('16.0 MiB to fetch')
    await alice.must('status', '--wait', '--timeout', '300s')
    expect((await alice.json<Entry[]>('list', 'films/film.bin'))[0]).toMatchObject({ pin: 'pinned', missingChunks: 0 })
    expect((await alice.run('evict', 'films')).status).toBe(2)
  })
})

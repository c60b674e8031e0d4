import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { endAfterTest, onLoopback } from './support/lan.ts'
import { namespacesUnavailable } from './support/network.ts'
import { type CommandResult, ProcessDevice } from './support/process-device.ts'
import { randomBytes, writeLargeFile } from './support/tree.ts'

const MIB = 1024 ** 2
const isRoot = process.getuid?.() === 0

/** A refusal a person can use: the documented status, one plain sentence, no stack, nothing on stdout. */
function expectRefusal(result: CommandResult, status: number, text: RegExp): void {
  expect(result.stderr).toMatch(text)
  expect(result.stderr).toMatch(/^dittofs: /)
  expect(result.stderr).not.toMatch(/\n\s+at /)
  expect(result.stdout).toBe('')
  expect(result.status).toBe(status)
}

async function device(): Promise<{ directory: string; alone: ProcessDevice }> {
  const directory = await temporaryDirectory()
  const home = path.join(directory, 'home')
  // Commands without a daemon may go online for what is missing: here no further than this machine.
  await mkdir(home, { mode: 0o700 })
  await writeFile(path.join(home, 'config.toml'), 'host = "127.0.0.1"\nmdns = false\nbeacon = false\n', { mode: 0o600 })
  const alone = new ProcessDevice({ home, name: 'alone' })
  endAfterTest([alone])
  return { directory, alone }
}

/** A file system of its own of `size`, as root can make one. */
async function smallDisk(parent: string, size: string): Promise<string> {
  const disk = path.join(parent, 'disk')
  await mkdir(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk])
  onTestFinished(() => {
    execFileSync('umount', ['-l', disk])
  })
  return disk
}

describe('wrong usage', () => {
  it('is told apart from failure by exit status 2', async () => {
    const { alone } = await device()
    expect((await alone.run('no-such-command')).status).toBe(2)
    expect((await alone.run('add')).status).toBe(2)
    expect((await alone.run('list', '--no-such-option')).status).toBe(2)
    expectRefusal(await alone.run('join', 'DITTO1NONSENSE'), 2, /ticket/i)
  })

  it('gives an error as one JSON document with --json', async () => {
    const { alone } = await device()
    const { status, stdout } = await alone.run('--json', 'get', 'nothing')
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'DITTO_NOT_FOUND', message: expect.any(String) as string },
    })
    expect(status).toBe(4)
  })
})

describe('files', () => {
  it('that are missing are named, and nothing is added', async () => {
    const { directory, alone } = await device()
    expectRefusal(await alone.run('add', path.join(directory, 'no such file')), 4, /no such file/)
    expect(await alone.json('list')).toEqual([])
  })

  it.skipIf(skipBecause(isRoot ? undefined : 'the test drops the rights of root, so it needs them'))(
    'that may not be read are reported, and the others are added',
    async () => {
      const { directory, alone } = await device()
      const source = path.join(directory, 'source')
      await mkdir(source)
      await writeFile(path.join(source, 'open.txt'), 'anybody may read this')
      await writeFile(path.join(source, 'secret.txt'), 'nobody may read this')
      await chmod(path.join(source, 'secret.txt'), 0)
      execFileSync('chown', ['-R', 'nobody', directory])
      const unprivileged = new ProcessDevice({ home: alone.home, name: 'alone', user: 'nobody' })
      const { status, stderr } = await unprivileged.run('add', source)
      expect(status).toBe(1)
      expect(stderr).toMatch(/secret\.txt/)
      const listed = await unprivileged.json<{ path: string }[]>('list')
      expect(listed.map((entry) => entry.path)).toEqual(['source', 'source/open.txt'])
    },
  )

  it('of another origin at the same path are refused with a hint, unless told to replace', async () => {
    const { directory, alone } = await device()
    for (const name of ['one', 'two']) {
      await mkdir(path.join(directory, name))
      await writeFile(path.join(directory, name, 'notes.txt'), `the notes of ${name}`)
    }
    await alone.must('add', path.join(directory, 'one', 'notes.txt'))
    expectRefusal(await alone.run('add', path.join(directory, 'two', 'notes.txt')), 1, /--replace/)
    await alone.must('add', path.join(directory, 'two', 'notes.txt'), '--replace')
    await alone.must('get', 'notes.txt', '-o', path.join(directory, 'out'))
    expect(await readFile(path.join(directory, 'out'), 'utf8')).toBe('the notes of two')
  })

  it('that are there already are not overwritten by get without -o', async () => {
    const { directory, alone } = await device()
    await writeFile(path.join(directory, 'a.txt'), 'new')
    await alone.must('add', path.join(directory, 'a.txt'))
    await writeFile(path.join(directory, 'a.txt'), 'mine')
    const result = await alone.runIn(directory, 'get', 'a.txt')
    expectRefusal(result, 1, /-o/)
    expect(await readFile(path.join(directory, 'a.txt'), 'utf8')).toBe('mine')
  })
})

describe('a home', () => {
  it('that cannot be written is named', async () => {
    const { directory } = await device()
    await writeFile(path.join(directory, 'file'), '')
    const misplaced = new ProcessDevice({ home: path.join(directory, 'file', 'home'), name: 'misplaced' })
    expectRefusal(await misplaced.run('status'), 1, /home/)
  })

  it('whose run directory is a symlink is refused', async () => {
    const { directory, alone } = await device()
    await alone.must('status')
    await rm(path.join(alone.home, 'run'), { recursive: true })
    await mkdir(path.join(directory, 'elsewhere'))
    await symlink(path.join(directory, 'elsewhere'), path.join(alone.home, 'run'))
    expectRefusal(await alone.run('status'), 1, /run/)
  })

  it('in use by a daemon is not opened by a second, which is told the process', async () => {
    const [alone] = onLoopback(await temporaryDirectory(), ['alone'])
    await alone.start()
    expectRefusal(await alone.run('daemon'), 1, new RegExp(String(alone.daemonPid)))
  })

  it('is taken over after the death of a daemon', async () => {
    const [alone] = onLoopback(await temporaryDirectory(), ['alone'])
    await alone.start()
    await alone.kill()
    await alone.start()
    expect(await alone.stop()).toBe(0)
  })

  it('keeps its identity and content readable by its owner only', async () => {
    const { alone } = await device()
    await alone.must('status')
    const listing = execFileSync('find', [alone.home, '-perm', '/077', '-not', '-type', 'l'], { encoding: 'utf8' })
    expect(listing).toBe('')
  })
})

describe('a daemon', () => {
  it('whose port is taken says so', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const [alone] = onLoopback(await temporaryDirectory(), ['alone'])
    const { port } = server.address() as AddressInfo
    expectRefusal(await alone.run('daemon', '--host', '127.0.0.1', '--port', String(port)), 1, new RegExp(String(port)))
  })

  it('names a setting it does not know, and one of the wrong type', async () => {
    const { alone } = await device()
    await alone.must('status')
    const config = path.join(alone.home, 'config.toml')
    await writeFile(config, 'prot = 4100\n')
    expectRefusal(await alone.run('status'), 1, /prot/)
    await writeFile(config, 'port = "many"\n')
    expectRefusal(await alone.run('status'), 1, /port/)
    await writeFile(config, 'port = = 1\n')
    expectRefusal(await alone.run('status'), 1, /config\.toml/)
  })

  it('ends with status 0 within five seconds of SIGTERM and of SIGINT', async () => {
    const [alone] = onLoopback(await temporaryDirectory(), ['alone'])
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const begun = performance.now()
      await alone.start()
      const started = performance.now()
      expect(await alone.stop(signal)).toBe(0)
      // How long it took to start tells how busy the machine is.
      expect(performance.now() - started).toBeLessThan(5000 + 2 * (started - begun))
    }
  })

  it('that is not reachable makes join end with status 3', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    const ticket = (await alice.must('invite')).trim()
    await alice.stop()
    await bob.start()
    const { status, stderr } = await bob.run('join', ticket)
    expect(stderr).toMatch(/^dittofs: /)
    expect(status).toBe(3)
  })

  it('that reaches nobody makes sync end with status 3', async () => {
    const [alone] = onLoopback(await temporaryDirectory(), ['alone'])
    await alone.start()
    expect((await alone.run('sync', '--timeout', '1')).status).toBe(3)
  })
})

describe('a full disk', () => {
  it.skipIf(skipBecause(namespacesUnavailable()))(
    'is reported, loses nothing, and the rest goes on once there is room',
    async () => {
      const directory = await temporaryDirectory()
      const disk = await smallDisk(directory, '64m')
      const alone = new ProcessDevice({ home: path.join(disk, 'home'), name: 'alone' })
      await writeFile(path.join(directory, 'small.txt'), 'kept')
      await alone.must('add', path.join(directory, 'small.txt'))
      await writeLargeFile(path.join(directory, 'large.bin'), 100 * MIB, 1)
      expectRefusal(await alone.run('add', path.join(directory, 'large.bin')), 1, /space|full/i)
      await alone.must('get', 'small.txt', '-o', path.join(directory, 'out'))
      expect(await readFile(path.join(directory, 'out'), 'utf8')).toBe('kept')
      expect(await alone.json('verify')).toMatchObject({ damaged: [] })
      execFileSync('mount', ['-o', 'remount,size=512m', disk])
      await alone.must('add', path.join(directory, 'large.bin'))
      expect(await alone.json('verify')).toMatchObject({ damaged: [] })
    },
  )
})

describe('damage on disk', () => {
  it('to the chunk index is repaired from the packs', async () => {
    const { directory, alone } = await device()
    await writeFile(path.join(directory, 'data.bin'), randomBytes(3 * MIB, 1))
    await alone.must('add', path.join(directory, 'data.bin'))
    const index = path.join(alone.home, 'chunks', 'index')
    for (const name of await readdir(index)) {
      if (name.startsWith('MANIFEST') || name.endsWith('.ldb') || name.endsWith('.log')) {
        await writeFile(path.join(index, name), 'this is no LevelDB')
      }
    }
    await alone.must('get', 'data.bin', '-o', path.join(directory, 'out'))
    expect((await readFile(path.join(directory, 'out'))).equals(randomBytes(3 * MIB, 1))).toBe(true)
  })

  it('to a chunk is found by verify, which ends with status 5, and is never handed out', async () => {
    const { directory, alone } = await device()
    await writeFile(path.join(directory, 'data.bin'), randomBytes(3 * MIB, 1))
    await alone.must('add', path.join(directory, 'data.bin'))
    const packs = path.join(alone.home, 'chunks', 'packs')
    const [pack] = await readdir(packs)
    const handle = await open(path.join(packs, pack as string), 'r+')
    await handle.write(Buffer.from('flipped'), 0, 7, MIB)
    await handle.close()
    const verified = await alone.run('--json', 'verify')
    expect(verified.status).toBe(5)
    expect((JSON.parse(verified.stdout) as { damaged: { paths: string[] }[] }).damaged[0]?.paths).toEqual(['data.bin'])
    const got = await alone.run('get', 'data.bin', '-o', path.join(directory, 'out'))
    expect([3, 5]).toContain(got.status)
    expect(await readdir(directory)).not.toContain('out')
  })
})

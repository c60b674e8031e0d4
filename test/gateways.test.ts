import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { GatewayInfo } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { onLoopback } from './support/lan.ts'
import { pair, peerAddress } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'
import { writeSampleTree } from './support/sample-tree.ts'
import { writeLargeFile } from './support/tree.ts'
import { missingPrograms, mustRun, runProgram } from './support/webdav.ts'

const MIB = 1024 ** 2
/** 1 GiB on request, which takes long. */
const LARGE_BYTES = process.env.DITTOFS_DRIVE === 'whole' ? 1024 * MIB : 256 * MIB
/** A reader waits 15 seconds for bytes of other devices; then it is told, and the program takes a moment to end. */
const READ_FAILS_WITHIN_MS = 20_000

const skip = skipBecause(missingPrograms('curl', 'nfs-ls', 'nfs-cat', 'nfs-cp'))

/** Where a name of the space is, for the programs of libnfs. */
const nfsUrl = (info: GatewayInfo, name: string) => info.url.replace('?', `/${name}?`)

const keep = (device: ProcessDevice, protocol: string, ...args: string[]) =>
  device.json<GatewayInfo>('serve', protocol, '--port', '0', '--keep', ...args)

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function bytesOfFile(file: string, start: number, length: number): Promise<Buffer> {
  const handle = await open(file)
  try {
    return (await handle.read(Buffer.alloc(length), 0, length, start)).buffer
  } finally {
    await handle.close()
  }
}

/** The bytes of a file in the space of a device, once they came there. */
async function textAt(device: ProcessDevice, directory: string, name: string): Promise<Buffer> {
  const output = path.join(directory, `read by ${device.name}`)
  await device.must('get', name, '-o', output)
  return readFile(output)
}

/** bob, who fetches on demand, serves what alice holds. */
async function withFilms(sizes: Readonly<Record<string, number>>) {
  const directory = await temporaryDirectory()
  const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
  await mkdir(bob.home, { mode: 0o700 })
  await writeFile(path.join(bob.home, 'config.toml'), 'fetch = "on-demand"\n', { mode: 0o600 })
  const films = path.join(directory, 'films')
  await mkdir(films)
  for (const [name, size] of Object.entries(sizes)) await writeLargeFile(path.join(films, name), size, size % 997)
  await alice.start()
  await bob.start()
  await alice.must('add', films)
  await pair(alice, bob)
  await bob.must('sync', '--timeout', '300s')
  const [nfs, webdav] = [await keep(bob, 'nfs'), await keep(bob, 'webdav')]
  return { directory, films, alice, bob, nfs, webdav }
}

describe.skipIf(skip)('a device without the content, opened as a drive', () => {
  it('lists the whole tree at once, over NFS and WebDAV, and has not fetched a byte for it', async () => {
    const { bob, nfs, webdav } = await withFilms({ 'one.bin': 3 * MIB, 'two.bin': 5 * MIB })
    const tree = (await mustRun('nfs-ls', ['-R', nfs.url])).text
    expect(tree).toMatch(/^-rw.* 3145728 films\/one\.bin$/m)
    expect(tree).toMatch(/^-rw.* 5242880 films\/two\.bin$/m)
    const propfind = ['-sS', '--fail', '-X', 'PROPFIND', '-H', 'Depth: infinity', webdav.url]
    const shown = (await mustRun('curl', propfind)).text
    expect(shown).toContain('films/two.bin')
    expect(shown).toContain('<D:getcontentlength>5242880<')
    const { chunks } = await bob.json<{ chunks: { bytes: number } }>('status')
    expect(chunks.bytes).toBeLessThan(MIB)
  })

  it(`reads a file of ${LARGE_BYTES / MIB} MiB through NFS, byte for byte`, async () => {
    const { films, nfs } = await withFilms({ 'large.bin': LARGE_BYTES })
    const read = await mustRun('sh', ['-c', 'nfs-cat "$0" | sha256sum', nfsUrl(nfs, 'films/large.bin')])
    expect(read.text.slice(0, 64)).toBe(await sha256(path.join(films, 'large.bin')))
  })

  it('serves who seeks and reads a MiB, without bringing the rest', async () => {
    const { films, bob, webdav } = await withFilms({ 'large.bin': LARGE_BYTES })
    for (const start of [LARGE_BYTES / 2 + 12_345, 0, LARGE_BYTES - MIB]) {
      const range = `${start}-${start + MIB - 1}`
      const { stdout } = await mustRun('curl', ['-sS', '--fail', '-r', range, `${webdav.url}films/large.bin`])
      expect(stdout.equals(await bytesOfFile(path.join(films, 'large.bin'), start, MIB))).toBe(true)
    }
    const { chunks } = await bob.json<{ chunks: { bytes: number } }>('status')
    expect(chunks.bytes).toBeLessThan(64 * MIB)
  })

  it('fails a read of what is missing while the other is away, and serves it when the other is back', async () => {
    const { films, alice, bob, nfs, webdav } = await withFilms({ 'one.bin': 3 * MIB, 'two.bin': 3 * MIB + 1 })
    const readAt = performance.now()
    await mustRun('sh', ['-c', 'nfs-cat "$0" > /dev/null', nfsUrl(nfs, 'films/one.bin')])
    const readMs = performance.now() - readAt
    await alice.stop()

    const begun = performance.now()
    const failed = await runProgram('nfs-cat', [nfsUrl(nfs, 'films/two.bin')])
    expect([failed.status === 0, failed.stdout.length]).toEqual([false, 0])
    expect(failed.text).toContain('Failed to read from file')
    expect((await runProgram('curl', ['-sS', '--fail', `${webdav.url}films/two.bin`])).status).not.toBe(0)
    // How long it took to read what could be read tells how busy the machine is.
    expect(performance.now() - begun).toBeLessThan(2 * READ_FAILS_WITHIN_MS + 10 * readMs)
    // What was read before is here to stay.
    const { stdout } = await mustRun('curl', ['-sS', '--fail', `${webdav.url}films/one.bin`])
    expect(stdout.equals(await readFile(path.join(films, 'one.bin')))).toBe(true)

    await alice.start('--peer', peerAddress(bob))
    await bob.must('sync', '--timeout', '300s')
    const read = await mustRun('sh', ['-c', 'nfs-cat "$0" | sha256sum', nfsUrl(nfs, 'films/two.bin')])
    expect(read.text.slice(0, 64)).toBe(await sha256(path.join(films, 'two.bin')))
  })

  it('brings what is written through it to the other device', async () => {
    const { directory, alice, bob, nfs, webdav } = await withFilms({ 'one.bin': MIB })
    const [put, copied] = [Buffer.from(pseudoRandomBytes(1, 700_000)), Buffer.from(pseudoRandomBytes(2, 5 * MIB + 3))]
    await writeFile(path.join(directory, 'put'), put)
    await writeFile(path.join(directory, 'copied'), copied)
    await mustRun('curl', ['-sS', '--fail', '-T', path.join(directory, 'put'), `${webdav.url}films/put.bin`])
    await mustRun('nfs-cp', [path.join(directory, 'copied'), nfsUrl(nfs, 'films/copied.bin')])
    await bob.must('status', '--wait', '--timeout', '300s')
    expect((await textAt(alice, directory, 'films/put.bin')).equals(put)).toBe(true)
    expect((await textAt(alice, directory, 'films/copied.bin')).equals(copied)).toBe(true)
  })
})

/** One device alone, whose daemon runs. */
async function withDaemon() {
  const directory = await temporaryDirectory()
  const [alice] = onLoopback(directory, ['alice'])
  await alice.start()
  const fileOf = async (name: string, content: string | Uint8Array, mode = 0o600) => {
    const file = path.join(directory, name)
    await writeFile(file, content, { mode })
    await chmod(file, mode)
    return file
  }
  return { directory, alice, fileOf }
}

describe.skipIf(skip)('a served space', () => {
  it('keeps what was answered as committed, though the daemon is killed', async () => {
    const { directory, alice, fileOf } = await withDaemon()
    const [nfs, webdav] = [await keep(alice, 'nfs'), await keep(alice, 'webdav')]
    const small = await fileOf('small', 'a few words')
    const bytes = pseudoRandomBytes(3, 9 * MIB + 7)
    const large = await fileOf('large', bytes)
    await mustRun('curl', ['-sS', '--fail', '-T', large, `${webdav.url}by-webdav`])
    await mustRun('nfs-cp', [large, nfsUrl(nfs, 'by-nfs')])
    await mustRun('curl', ['-sS', '--fail', '-X', 'MKCOL', `${webdav.url}made`])
    await mustRun('curl', ['-sS', '--fail', '-T', small, `${webdav.url}made/small`])
    await alice.kill()

    await alice.start()
    expect((await textAt(alice, directory, 'by-webdav')).equals(bytes)).toBe(true)
    expect((await textAt(alice, directory, 'by-nfs')).equals(bytes)).toBe(true)
    expect((await textAt(alice, directory, 'made/small')).toString()).toBe('a few words')
    expect(await alice.must('verify')).not.toMatch(/damaged [^0]/)
  })

  it('is served at the same port when the daemon was started again, until it is stopped', async () => {
    const { alice, fileOf } = await withDaemon()
    const webdav = await keep(alice, 'webdav')
    const nfs = await keep(alice, 'nfs', '--read-only')
    await mustRun('curl', ['-sS', '--fail', '-T', await fileOf('up', 'kept'), `${webdav.url}up`])
    expect(await alice.stop()).toBe(0)
    await alice.start()
    expect(await alice.json<GatewayInfo[]>('gateways')).toEqual(
      expect.arrayContaining([webdav, nfs].map((one) => ({ ...one, connections: 0 }))),
    )
    expect((await mustRun('curl', ['-sS', '--fail', `${webdav.url}up`])).text).toBe('kept')
    expect((await mustRun('nfs-cat', [nfsUrl(nfs, 'up')])).text).toBe('kept')
    const refused = await runProgram('nfs-cp', [await fileOf('down', 'no'), nfsUrl(nfs, 'down')])
    expect([refused.status === 0, refused.text]).toEqual([false, expect.stringMatching(/ROFS|[Rr]ead-only/)])

    expect(await alice.must('gateways', 'stop', webdav.id)).toBe(`Stopped ${webdav.id}.\n`)
    expect((await runProgram('curl', ['-sS', `${webdav.url}up`])).status).toBe(7)
    expect(await alice.json<GatewayInfo[]>('gateways')).toMatchObject([{ id: nfs.id }])
    await alice.stop()
    await alice.start()
    expect(await alice.json<GatewayInfo[]>('gateways')).toMatchObject([{ id: nfs.id }])
  })

  it('is served as long as the command runs, with the daemon and without, and Ctrl-C ends it with status 0', async () => {
    const { alice, fileOf } = await withDaemon()
    const up = await fileOf('up', 'some words')
    const url = /http:\S+/
    for (const protocol of ['webdav', 'nfs']) {
      const serving = await alice.begin('serve', protocol, '--port', '0')
      expect(serving.line).toMatch(/^Serving home at (http|nfs):\/\/127\.0\.0\.1/)
      if (protocol === 'webdav') await mustRun('curl', ['-sS', '--fail', '-T', up, `${url.exec(serving.line)?.[0]}up`])
      expect(await alice.json<GatewayInfo[]>('gateways')).toMatchObject([{ protocol, isKept: false }])
      expect(await serving.end('SIGINT')).toBe(0)
      await expect.poll(() => alice.json<GatewayInfo[]>('gateways')).toEqual([])
    }
    await alice.stop()
    const alone = await alice.begin('--json', 'serve', 'webdav', '--port', '0')
    const info = JSON.parse(alone.line) as GatewayInfo
    expect((await mustRun('curl', ['-sS', '--fail', `${info.url}up`])).text).toBe('some words')
    expect(await alone.end('SIGINT')).toBe(0)
    expect((await runProgram('curl', ['-sS', `${info.url}up`])).status).toBe(7)
  })

  it('asks for the passwords of its file', async () => {
    const { alice, fileOf } = await withDaemon()
    const passwords = await fileOf('users', '# who may\nalice:a secret: with a colon\n\nbob:other\n')
    const { url } = await keep(alice, 'webdav', '--password-file', passwords)
    const statusAs = async (...args: string[]) => {
      const asked = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args, url]
      return (await mustRun('curl', asked)).text
    }
    expect(await statusAs('-u', 'alice:a secret: with a colon')).toBe('200')
    expect(await statusAs('-u', 'bob:other')).toBe('200')
    expect(await statusAs('-u', 'alice:other')).toBe('401')
    expect(await statusAs('-u', 'carol:other')).toBe('401')
    expect(await statusAs()).toBe('401')
  })
})

const skipMount = skipBecause(
  process.platform === 'linux' && process.getuid?.() === 0
    ? (missingPrograms('mount.davfs', 'unshare') ?? (existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse'))
    : 'davfs2 is mounted by root on Linux',
)

describe.skipIf(skipMount)('a space mounted by the command', () => {
  it('takes a tree of files and gives it back, and the daemon warns of nothing', async () => {
    const { directory, alice, fileOf } = await withDaemon()
    const [source, drive] = [path.join(directory, 'source'), path.join(directory, 'drive')]
    await mkdir(source)
    await writeSampleTree(source, 11)
    const mount = `DITTOFS_HOME='${alice.home}' '${process.execPath}' apps/cli/bin/dittofs.js mount ${drive}`
    const body = `cp -a ${source} ${drive}/one; mv ${drive}/one ${drive}/two; cp -a ${source} ${drive}/gone; rm -r ${drive}/gone`
    const script = await fileOf('run.sh', `${mount}\n${body}\nls ${drive}\numount ${drive}\n`)
    // In a namespace of its own the mount is gone with the script, whatever happens.
    const { text } = await mustRun('unshare', ['--mount', '--propagation', 'private', 'sh', '-e', script])
    expect(text).toMatch(/Mounted home at .+, over (nfs|webdav)\./)
    expect(text).toMatch(/^two$/m)
    const output = path.join(directory, 'got')
    await alice.must('get', 'two', '-o', output)
    await mustRun('diff', ['-r', '--exclude=lost+found', source, output])
    expect(await alice.json('gateways')).toMatchObject([{ isKept: true, host: '127.0.0.1' }])
    expect(await alice.stop()).toBe(0)
    // Listeners that pile up on a signal are told by Node alone.
    expect(alice.log).not.toContain('Warning')
  })
})

describe('what cannot be served', () => {
  /** Its exit status, and the code of its error. */
  async function refusal(device: ProcessDevice, ...args: string[]) {
    const { status, stdout } = await device.run('--json', ...args)
    return [status, (JSON.parse(stdout) as { error: { code: string } }).error.code]
  }

  it('is refused with a status and a code that say why', async () => {
    const { alice, fileOf } = await withDaemon()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as { port: number }
    for (const protocol of ['nfs', 'webdav']) {
      for (const more of [[], ['--keep']]) {
        expect(await refusal(alice, 'serve', protocol, '--port', String(port), ...more)).toEqual([
          1,
          'DITTO_PORT_IN_USE',
        ])
        expect(await refusal(alice, 'serve', protocol, '--space', 'none', ...more)).toEqual([4, 'DITTO_NOT_FOUND'])
      }
    }
    const users = await fileOf('users', 'alice:secret\n')
    const open = await fileOf('open', 'alice:secret\n', 0o644)
    const malformed = await fileOf('malformed', 'alice\n')
    const elsewhere = ['--port', '0', '--host', '192.0.2.1']
    expect(await refusal(alice, 'serve', 'nfs', ...elsewhere)).toEqual([1, 'DITTO_CONFIG_INVALID'])
    const webdav = (...args: string[]) => refusal(alice, 'serve', 'webdav', '--port', '0', ...args)
    expect(await webdav('--host', '0.0.0.0')).toEqual([2, 'DITTO_USAGE'])
    expect(await webdav('--host', '0.0.0.0', '--password-file', users)).toEqual([1, 'DITTO_CONFIG_INVALID'])
    expect(await webdav('--password-file', open)).toEqual([1, 'DITTO_CONFIG_INVALID'])
    expect(await webdav('--password-file', malformed)).toEqual([1, 'DITTO_CONFIG_INVALID'])
    expect(await webdav('--password-file', `${users} that is not there`)).toEqual([4, 'DITTO_NOT_FOUND'])
    expect(await webdav('--tls-key', users)).toEqual([2, 'DITTO_USAGE'])
    expect(await refusal(alice, 'serve', 'nfs', '--port', '0', '--password-file', users)).toEqual([2, 'DITTO_USAGE'])
    expect(await refusal(alice, 'gateways', 'stop', '00000000')).toEqual([4, 'DITTO_NOT_FOUND'])
    expect(await alice.json('gateways')).toEqual([])
    await alice.stop()
    expect(await refusal(alice, 'serve', 'nfs', '--port', '0', '--keep')).toEqual([3, 'DITTO_DAEMON_UNREACHABLE'])
    expect(await alice.must('gateways')).toContain('Nothing is served')
  })
})

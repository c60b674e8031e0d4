import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isDittoError } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collected, joined } from './support/local-files.ts'
import { makeFiles, openLocal } from './support/open-local.ts'

/** What a person reads: one sentence or two, and no stack. */
function expectPlain(error: unknown): void {
  if (!isDittoError(error)) throw error
  expect(error.message).toMatch(/^[^\n]+\.$/)
  expect(error.message).not.toMatch(/undefined|\[object|\bat [A-Za-z]+ \(/)
}

/** Damages every file of a LevelDB that carries its data. */
async function corrupt(directory: string, pattern = /\.(ldb|log)$|^MANIFEST/): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!pattern.test(name)) continue
    const file = path.join(directory, name)
    const bytes = await readFile(file)
    bytes.fill(0xff, 0, Math.min(bytes.length, 4096))
    await writeFile(file, bytes)
  }
}

async function deviceWithFile(): Promise<{ home: string; content: Uint8Array }> {
  const device = await openLocal()
  const content = pseudoRandomBytes(1, 600_000)
  await device.add([await makeFiles({ f: content })], { as: 't' })
  await device.close()
  return { home: device.home, content }
}

describe('a damaged database', () => {
  it('of chunks is made anew from the packs', async () => {
    const { home, content } = await deviceWithFile()
    await corrupt(path.join(home, 'chunks', 'index'))
    const device = await openLocal({ home })
    expect((await joined(device.read('t/f'))).equals(content)).toBe(true)
    expect(await device.verify()).toMatchObject({ damaged: [] })
  })

  it('of metadata stops the start with a sentence that says what to do, and changes nothing', async () => {
    const { home } = await deviceWithFile()
    const directory = path.join(home, 'spaces', '1')
    await corrupt(directory, /^MANIFEST/)
    const before = await readdir(directory)
    const failure = await openLocal({ home }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_STORE_CORRUPT', details: { directory } })
    expectPlain(failure)
    expect((failure as Error).message).toContain('move it away')
    expect((await readdir(directory)).filter((name) => name.endsWith('.ldb'))).toEqual(
      before.filter((name) => name.endsWith('.ldb')),
    )
    await rename(directory, `${directory}-damaged`)
    const device = await openLocal({ home })
    expect(await collected(device.list())).toEqual([])
    expect((await device.status()).chunks.count).toBeGreaterThan(0)
  })

  it('of spaces and members stops the start likewise', async () => {
    const { home } = await deviceWithFile()
    await corrupt(path.join(home, 'spaces', 'registry'), /^MANIFEST|^CURRENT/)
    const failure = await openLocal({ home }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_STORE_CORRUPT' })
    expectPlain(failure)
    expect((await readdir(path.join(home, 'chunks', 'packs'))).length).toBeGreaterThan(0)
  })
})

describe('settings that cannot be used', () => {
  it('stop the start before anything is opened, and leave the home free', async () => {
    const { home } = await deviceWithFile()
    const config = path.join(home, 'config.toml')
    const good = await readFile(config, 'utf8')
    await writeFile(config, 'prot = 4100\n')
    const failure = await openLocal({ home }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_CONFIG_INVALID', details: { file: config } })
    expectPlain(failure)
    await writeFile(config, good)
    await openLocal({ home })
  })
})

describe('a damaged identity', () => {
  it('is told, and not replaced', async () => {
    const { home } = await deviceWithFile()
    const key = path.join(home, 'identity', 'key.pem')
    await writeFile(key, 'no key')
    const failure = await openLocal({ home }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_IDENTITY_INVALID' })
    expectPlain(failure)
    expect(await readFile(key, 'utf8')).toBe('no key')
  })
})

/** A file system of its own, so small that it is soon full. */
async function smallDisk(bytes: number): Promise<string> {
  const directory = await temporaryDirectory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory])
  onTestFinished(() => {
    execFileSync('umount', ['-l', directory])
  })
  return directory
}

const canMount = (() => {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!canMount)('a full disk (needs the right to mount a small one)', () => {
  it('stops an addition with a sentence, keeps what was there, and lets it be done again with room', async () => {
    const disk = await smallDisk(12 * 1024 * 1024)
    const device = await openLocal({ home: path.join(disk, 'home') })
    await device.add([await makeFiles({ small: 'kept' })], { as: 'small' })
    const ballast = path.join(disk, 'ballast')
    await writeFile(ballast, Buffer.alloc(7 * 1024 * 1024))
    const tree = await makeFiles({ large: pseudoRandomBytes(2, 5 * 1024 * 1024) })
    const failure = await device.add([tree], { as: 'large' }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_NO_SPACE' })
    expectPlain(failure)
    expect((await joined(device.read('small/small'))).toString()).toBe('kept')
    await device.close()
    await rm(ballast)
    const again = await openLocal({ home: device.home })
    expect((await joined(again.read('small/small'))).toString()).toBe('kept')
    await again.add([tree], { as: 'large' })
    expect(await again.verify()).toMatchObject({ damaged: [] })
  })

  it('stops a get before anything is written', async () => {
    const disk = await smallDisk(1024 * 1024)
    const device = await openLocal()
    await device.add([await makeFiles({ large: pseudoRandomBytes(2, 3 * 1024 * 1024) })], { as: 't' })
    await mkdir(path.join(disk, 'out'))
    const failure = await device.get('t', { directory: path.join(disk, 'out') }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_NO_SPACE' })
    expectPlain(failure)
    expect(await readdir(path.join(disk, 'out'))).toEqual([])
  })

  it('stops the first start of a device', async () => {
    const disk = await smallDisk(64 * 1024)
    await writeFile(path.join(disk, 'ballast'), Buffer.alloc(64 * 1024)).catch(() => undefined)
    const failure = await openLocal({ home: path.join(disk, 'home') }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DITTO_NO_SPACE' })
    expectPlain(failure)
  })
})

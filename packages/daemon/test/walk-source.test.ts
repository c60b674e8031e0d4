import { execFileSync } from 'node:child_process'
import { chmod, lstat, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { resolveSource } from '../src/add/resolve-source.ts'
import { walkSource } from '../src/add/walk-source.ts'
import { asOtherUser, canChangeUser } from './support/as-other-user.ts'

const HOME = '/nowhere/.dittofs'

async function walked(directory: string, excluded = HOME) {
  const stat = await lstat(directory, { bigint: true })
  const entries: string[] = []
  const skipped: { path: string; code: string; reason: string }[] = []
  for await (const batch of walkSource({ source: directory, path: 't', kind: 'directory', stat }, { excluded })) {
    entries.push(...batch.entries.map((entry) => `${entry.kind} ${entry.path}`))
    skipped.push(...batch.skipped)
  }
  return { entries, skipped }
}

describe('walkSource', () => {
  it('finds files, directories and symlinks, parents first, and follows no symlink', async () => {
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'a', 'empty'), { recursive: true })
    await writeFile(path.join(directory, 'a', 'f'), '')
    await symlink('..', path.join(directory, 'a', 'up'))
    expect((await walked(directory)).entries).toEqual([
      'directory t',
      'directory t/a',
      'file t/a/f',
      'symlink t/a/up',
      'directory t/a/empty',
    ])
  })

  it('tells FIFOs and sockets and leaves them out', async () => {
    const directory = await temporaryDirectory()
    execFileSync('mkfifo', [path.join(directory, 'pipe')])
    expect(await walked(directory)).toEqual({
      entries: ['directory t'],
      skipped: [{ path: path.join(directory, 'pipe'), code: 'DITTO_UNSUPPORTED', reason: 'it is a named pipe' }],
    })
  })

  it('tells names that are not UTF-8', async () => {
    const directory = await temporaryDirectory()
    await writeFile(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x66, 0xff])]), '')
    await writeFile(path.join(directory, 'good'), '')
    const { entries, skipped } = await walked(directory)
    expect(entries).toEqual(['directory t', 'file t/good'])
    expect(skipped).toMatchObject([{ code: 'DITTO_PATH_INVALID', reason: 'the name is not valid UTF-8' }])
  })

  it('brings names to normal form C, and of two that fall together keeps the exact one', async () => {
    const directory = await temporaryDirectory()
    await writeFile(path.join(directory, 'e\u0301'), 'decomposed')
    expect((await walked(directory)).entries).toEqual(['directory t', 'file t/\u00e9'])
    await writeFile(path.join(directory, '\u00e9'), 'exact')
    const { entries, skipped } = await walked(directory)
    expect(entries).toEqual(['directory t', 'file t/\u00e9'])
    expect(skipped).toMatchObject([{ path: path.join(directory, 'e\u0301'), code: 'DITTO_EXISTS' }])
  })

  it('leaves out names kept for DittoFS and the home of the device', async () => {
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'state'))
    await writeFile(path.join(directory, '.dittofs-1.tmp'), '')
    const { entries, skipped } = await walked(directory, path.join(directory, 'state'))
    expect(entries).toEqual(['directory t'])
    expect(skipped.map((each) => each.code)).toEqual(['DITTO_PATH_INVALID', 'DITTO_USAGE'])
  })

  it('takes a directory of thousands of names', async () => {
    const directory = await temporaryDirectory()
    await Promise.all(Array.from({ length: 1500 }, (_, i) => writeFile(path.join(directory, String(i)), '')))
    expect((await walked(directory)).entries).toHaveLength(1501)
  })

  it.skipIf(!canChangeUser)('tells a directory it may not list (needs root to become another user)', async () => {
    const directory = await temporaryDirectory()
    await chmod(directory, 0o755)
    await mkdir(path.join(directory, 'private'), { mode: 0o700 })
    const { entries, skipped } = await asOtherUser(() => walked(directory))
    expect(entries).toEqual(['directory t'])
    expect(skipped).toMatchObject([{ path: path.join(directory, 'private'), code: 'DITTO_PERMISSION' }])
  })
})

describe('resolveSource', () => {
  it('gives one file one name, whatever way it was named', async () => {
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'real'))
    await writeFile(path.join(directory, 'real', 'f'), '')
    await symlink('real', path.join(directory, 'way'))
    const expected = path.join(directory, 'real', 'f')
    for (const name of ['real/f', 'real/./f', 'real/../real/f', 'way/f', 'real//f/']) {
      const resolved = await resolveSource(`${directory}/${name}`, { home: HOME })
      expect([resolved.source, resolved.path]).toEqual([expected, 'f'])
    }
  })

  it('keeps a symlink that was named a symlink', async () => {
    const directory = await temporaryDirectory()
    await symlink('nowhere', path.join(directory, 'link'))
    expect(await resolveSource(path.join(directory, 'link/'), { home: HOME })).toMatchObject({ kind: 'symlink' })
  })

  it('refuses the home of the device and everything in it', async () => {
    const home = await temporaryDirectory()
    await writeFile(path.join(home, 'config.toml'), '')
    for (const source of [home, `${home}/`, path.join(home, 'config.toml')]) {
      await expect(resolveSource(source, { home })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    }
  })

  it('says in one sentence that there is no such file', async () => {
    await expect(resolveSource('/no/such', { home: HOME })).rejects.toMatchObject({
      code: 'DITTO_NOT_FOUND',
      message: 'Cannot add "/no/such": it does not exist.',
    })
  })

  it('refuses a device, a source without a name and a file as the root', async () => {
    await expect(resolveSource('/dev/null', { home: HOME })).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    await expect(resolveSource('/', { home: HOME })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, '')
    await expect(resolveSource(file, { home: HOME, as: '/' })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(resolveSource(file, { home: HOME, as: 'a/../b' })).rejects.toMatchObject({
      code: 'DITTO_PATH_INVALID',
    })
  })
})

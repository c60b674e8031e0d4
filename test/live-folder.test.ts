import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { agree, type FolderDevice, foldersOn, linkAll } from './support/live-folders.ts'
import { writeLargeFile, writeRandomTree } from './support/tree.ts'

const MIB = 1024 * 1024

interface Folder {
  state: string
  reason?: string
  held?: { direction: string; deletes: number }
  files: number
  problems: { path: string; code: string }[]
}

async function two(): Promise<{ alice: FolderDevice; bob: FolderDevice; both: readonly FolderDevice[] }> {
  const both = await foldersOn(await temporaryDirectory(), ['alice', 'bob'])
  const [alice, bob] = both as [FolderDevice, FolderDevice]
  return { alice, bob, both }
}

async function fill(folder: string, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await writeFile(path.join(folder, `file ${at}.txt`), `content ${at}`)
}

async function texts(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.dittofs'))
  return (await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))).sort()
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size
  }
  return bytes
}

describe('live folders on two devices', () => {
  it('become the same, with odd names, modes, times, symlinks and a large file, and take no second copy', async () => {
    const { alice, bob, both } = await two()
    await writeRandomTree(path.join(alice.folder, 'tree'), { files: 500, maxFileBytes: 40_000, seed: 7 })
    await writeLargeFile(path.join(alice.folder, 'large.bin'), 64 * MIB, 7)
    await linkAll(both)
    const tree = await agree(both)
    expect(tree.length).toBeGreaterThan(500)
    const linked = await bytesIn(alice.folder)
    expect(await bytesIn(path.join(alice.device.home, 'chunks'))).toBeLessThan(linked * 0.05)
    await bob.device.must('collect')
    expect(await bytesIn(path.join(bob.device.home, 'chunks'))).toBeLessThan(linked * 0.05)
    expect((await bob.device.run('verify')).status).toBe(0)
  })

  it('pass on a renamed directory as one rename, also one made while the daemon was off', async () => {
    const { alice, bob, both } = await two()
    const before = path.join(alice.folder, 'before')
    await mkdir(before)
    await fill(before, 300)
    await linkAll(both)
    await agree(both)
    const { ino } = await stat(path.join(bob.folder, 'before', 'file 7.txt'))
    await alice.device.stop()
    await rename(before, path.join(alice.folder, 'after'))
    await alice.restart()
    const sentBefore = await alice.device.metric('dittofs_link_sent_bytes_total')
    await agree(both)
    expect((await stat(path.join(bob.folder, 'after', 'file 7.txt'))).ino).toBe(ino)
    expect((await alice.device.metric('dittofs_link_sent_bytes_total')) - sentBefore).toBeLessThan(64 * 1024)
    const during = await alice.device.metric('dittofs_link_sent_bytes_total')
    await rename(path.join(bob.folder, 'after'), path.join(bob.folder, 'again'))
    await agree(both)
    expect((await alice.device.metric('dittofs_link_sent_bytes_total')) - during).toBeLessThan(16 * 1024)
  })

  it('keep both versions of a file that was edited on both while they were apart, and let a person end it', async () => {
    const { alice, bob, both } = await two()
    await writeFile(path.join(alice.folder, 'plan.txt'), 'one\ntwo\nthree\n')
    // Else the two would merge by themselves, sooner or later than the commands below.
    for (const { device, restart } of both) {
      await device.stop()
      await writeFile(path.join(device.home, 'config.toml'), 'merge_text = false\n')
      await restart()
    }
    await linkAll(both)
    await agree(both)
    await bob.device.stop()
    await writeFile(path.join(alice.folder, 'plan.txt'), 'ONE\ntwo\nthree\n')
    await writeFile(path.join(bob.folder, 'plan.txt'), 'one\ntwo\nTHREE\n')
    await bob.restart()
    await agree(both)
    expect(await texts(alice.folder)).toEqual(['ONE\ntwo\nthree\n', 'one\ntwo\nTHREE\n'])
    const [conflict] = await alice.device.json<{ path: string; hasBase: boolean; versions: unknown[] }[]>('conflicts')
    expect(conflict).toMatchObject({ path: 'plan.txt', hasBase: true })
    expect(conflict?.versions).toHaveLength(2)
    expect(await alice.device.must('conflicts', 'diff', 'plan.txt')).toContain('+ONE')
    await alice.device.must('conflicts', 'merge', 'plan.txt')
    await agree(both)
    expect(await texts(bob.folder)).toEqual(['ONE\ntwo\nTHREE\n'])
  })

  it('keep both versions that clash, each under a name of its own, where a person takes both', async () => {
    const { alice, bob, both } = await two()
    await writeFile(path.join(alice.folder, 'plan.txt'), 'one\n')
    await linkAll(both)
    await agree(both)
    await bob.device.stop()
    await writeFile(path.join(alice.folder, 'plan.txt'), 'two\n')
    await writeFile(path.join(bob.folder, 'plan.txt'), 'three\n')
    await bob.restart()
    await agree(both)
    const refused = await bob.device.run('conflicts', 'merge', 'plan.txt')
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('both changed the same lines')])
    await bob.device.must('conflicts', 'take', 'both', 'plan.txt')
    for (const { device, folder } of both) {
      await expect.poll(() => device.json('conflicts')).toEqual([])
      await expect.poll(() => texts(folder)).toEqual(['three\n', 'two\n'])
    }
  })

  it('bring back what was edited, deleted or undone, by one command each', async () => {
    const { alice, bob, both } = await two()
    await mkdir(path.join(alice.folder, 'photos'))
    await fill(path.join(alice.folder, 'photos'), 5)
    await writeFile(path.join(alice.folder, 'notes.txt'), 'first')
    await linkAll(both)
    await agree(both)
    await writeFile(path.join(bob.folder, 'notes.txt'), 'second')
    await agree(both)
    await alice.device.must('restore', 'notes.txt')
    await agree(both)
    expect(await readFile(path.join(bob.folder, 'notes.txt'), 'utf8')).toBe('first')
    await rm(path.join(bob.folder, 'photos'), { recursive: true })
    await agree(both)
    expect(await readdir(alice.folder)).not.toContain('photos')
    await alice.device.must('restore', '--deleted', 'photos')
    await agree(both)
    expect(await readdir(path.join(bob.folder, 'photos'))).toHaveLength(5)
    await rm(path.join(alice.folder, 'photos', 'file 1.txt'))
    await agree(both)
    await alice.device.must('undo')
    await agree(both)
    expect(await readFile(path.join(bob.folder, 'photos', 'file 1.txt'), 'utf8')).toBe('content 1')
    const versions = await bob.device.json<{ isCurrent: boolean }[]>('history', 'notes.txt')
    expect(versions.filter((version) => version.isCurrent)).toHaveLength(1)
    expect(versions.length).toBeGreaterThanOrEqual(3)
  })

  it('hold back a change that deletes much until a person agrees', async () => {
    const { alice, bob, both } = await two()
    await mkdir(path.join(alice.folder, 'photos'))
    await fill(path.join(alice.folder, 'photos'), 60)
    await linkAll(both)
    await agree(both)
    // All at once: what is deleted one by one is held a little later.
    await rename(path.join(alice.folder, 'photos'), `${alice.folder} photos`)
    await alice.device.must('rescan')
    const [held] = await alice.device.json<Folder[]>('folders')
    expect(held).toMatchObject({ state: 'paused', held: { direction: 'out', deletes: 60 } })
    expect(await texts(path.join(bob.folder, 'photos'))).toHaveLength(60)
    // The directory goes with them, as one.
    expect(await alice.device.json<unknown[]>('plan')).toHaveLength(1)
    await alice.device.must('resume', '--accept')
    await bob.device.must('status', '--wait', '--timeout', '300s')
    const [alsoHeld] = await bob.device.json<Folder[]>('folders')
    expect(alsoHeld).toMatchObject({ state: 'paused', held: { direction: 'in', deletes: 60 } })
    await alice.device.must('undo')
    await bob.device.must('resume')
    await agree(both)
    expect(await texts(path.join(alice.folder, 'photos'))).toHaveLength(60)
  })

  it('are paused, and delete nothing, when the root is gone or another', async () => {
    const { alice, bob, both } = await two()
    await fill(alice.folder, 3)
    await linkAll(both)
    await agree(both)
    await rename(alice.folder, `${alice.folder} elsewhere`)
    await alice.device.must('rescan')
    expect((await alice.device.json<Folder[]>('folders'))[0]?.state).toBe('paused')
    await mkdir(alice.folder)
    await alice.device.must('resume')
    await alice.device.must('rescan')
    expect((await alice.device.json<Folder[]>('folders'))[0]?.state).toBe('paused')
    expect(await texts(bob.folder)).toHaveLength(3)
    await rm(alice.folder, { recursive: true })
    await rename(`${alice.folder} elsewhere`, alice.folder)
    await alice.device.must('resume')
    await writeFile(path.join(alice.folder, 'more.txt'), 'more')
    await agree(both)
    expect(await texts(bob.folder)).toHaveLength(4)
  })

  it('leave out what .dittoignore says, and say what it would', async () => {
    const { alice, bob, both } = await two()
    await writeFile(path.join(alice.folder, '.dittoignore'), '*.o\n/build/\n')
    await writeFile(path.join(alice.folder, 'a.o'), 'object')
    await writeFile(path.join(alice.folder, 'a.c'), 'source')
    await mkdir(path.join(alice.folder, 'build'))
    await writeFile(path.join(alice.folder, 'build', 'x'), 'made')
    await linkAll(both)
    await agree([bob])
    await agree([alice])
    await agree([bob])
    expect((await readdir(bob.folder)).sort()).toEqual(['.dittofs-folder', '.dittoignore', 'a.c'])
    const ignored = await alice.device.json<{ path: string; line: number }[]>('ignored', alice.folder)
    expect(ignored.map(({ path: at, line }) => [at, line])).toEqual([
      ['a.o', 1],
      ['build', 2],
    ])
  })

  it('report what they cannot sync and go on with the rest', async () => {
    const { alice, bob, both } = await two()
    await symlink('/etc/passwd', path.join(alice.folder, 'leads outside'))
    await writeFile(path.join(alice.folder, 'plain.txt'), 'plain')
    await writeFile(Buffer.concat([Buffer.from(`${alice.folder}/bad `), Buffer.of(0xff)]), 'x')
    await linkAll(both)
    await alice.device.must('status', '--wait', '--timeout', '300s')
    await bob.device.must('status', '--wait', '--timeout', '300s')
    expect(await texts(bob.folder)).toEqual(['plain'])
    const [here] = await alice.device.json<Folder[]>('folders')
    expect(here?.problems.map(({ code }) => code)).toEqual(['DITTO_PATH_INVALID'])
    const [there] = await bob.device.json<Folder[]>('folders')
    expect(there?.problems.map(({ path: at }) => at)).toEqual(['leads outside'])
  })

  it('are refused where they cannot be, with one sentence and nothing changed', async () => {
    const { alice } = await two()
    await alice.device.must('link', alice.folder)
    const refusals: [string[], number, RegExp][] = [
      [['link', alice.folder], 1, /is a live folder already/],
      [['link', path.join(alice.folder, 'below')], 1, /lies in or around/],
      [['link', alice.device.home], 2, /home of this device/],
      [['unlink', path.dirname(alice.folder)], 4, /is in no live folder/],
      [['why', '/nowhere'], 4, /is in no live folder/],
      [['history', 'nothing.txt'], 4, /knows no version/],
      [['undo', '999'], 4, /.+/],
      [['conflicts', 'take', 'ours', 'nothing.txt'], 4, /is in no conflict/],
    ]
    for (const [args, status, sentence] of refusals) {
      const result = await alice.device.run(...args)
      expect([args[0], result.status], result.stderr).toEqual([args[0], status])
      expect(result.stderr).toMatch(sentence)
    }
    await writeFile(path.join(alice.folder, 'kept.txt'), 'kept in the space')
    await alice.device.must('status', '--wait', '--timeout', '300s')
    await alice.device.must('unlink', alice.folder)
    expect(await alice.device.json('folders')).toEqual([])
    // Nothing of ours is left in it, nor where a link was refused, and it can be linked again.
    expect(await readdir(alice.folder)).toEqual(['kept.txt'])
    await alice.device.must('link', alice.folder)
    await alice.device.must('unlink', alice.folder)
    await rm(alice.folder, { recursive: true })
    await alice.device.must('get', 'kept.txt', '-o', `${alice.folder}.txt`)
    expect(await readFile(`${alice.folder}.txt`, 'utf8')).toBe('kept in the space')
  })
})

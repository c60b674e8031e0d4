import { once } from 'node:events'
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { DittoError, systemClock } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type DiskStamp, type FolderFileSystem, openNodeFolderFileSystem, systemWatcher } from '../../src/index.ts'
import { folderFileSystemSuite, sourceOf } from '../support/folder-file-system-suite.ts'
import { nodeFolderUser } from '../support/node-folder-user.ts'

async function open(root: string): Promise<FolderFileSystem> {
  const fileSystem = await openNodeFolderFileSystem({
    root,
    symlinks: 'inside',
    watchDirectory: systemWatcher(systemClock),
    now: () => Date.now(),
  })
  onTestFinished(() => fileSystem.close())
  return fileSystem
}

function isSame(a: DiskStamp, b: DiskStamp | undefined): boolean {
  return b !== undefined && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

folderFileSystemSuite('a live folder on disk', {
  setup: async () => {
    const root = await temporaryDirectory()
    return { fileSystem: await open(root), user: nodeFolderUser(root) }
  },
})

describe('a live folder on disk', () => {
  it('finds and tells names that are not valid UTF-8, and leaves them alone', async () => {
    const root = await temporaryDirectory()
    const raw = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x61, 0xff])])
    await writeFile(raw, 'kept')
    const fileSystem = await open(root)
    const listing = await fileSystem.list([])
    expect(listing?.names).toEqual([])
    expect(listing?.unusable).toMatchObject([{ shown: 'a\\xff' }])
    expect(await readFile(raw, 'utf8')).toBe('kept')
  })

  it('never says of a file that it is as written, or as it was, when somebody has written into it meanwhile', async () => {
    const root = await temporaryDirectory()
    const fileSystem = await open(root)
    const place = path.join(root, 'database')
    // A program that writes into the file it finds, as databases do, as fast as it can; its bytes are as many as ours.
    const writer = new Worker(
      `const { openSync, writeSync, closeSync } = require('node:fs')
       const { workerData, parentPort } = require('node:worker_threads')
       let isOver = false
       parentPort.on('message', () => { isOver = true; parentPort.close() })
       const write = () => {
         if (isOver) return
         for (let i = 0; i < 50; i++) {
           try { const fd = openSync(workerData, 'r+'); writeSync(fd, 'theirs'); closeSync(fd) } catch {}
         }
         setImmediate(write)
       }
       write()`,
      { eval: true, workerData: place },
    )
    onTestFinished(async () => void (await writer.terminate()))
    const source = (mtimeNs: bigint) => ({ ...sourceOf(['ours!!']), mtimeNs })
    for (let round = 0; round < 300; round++) {
      const before = await fileSystem.stat(['database'])
      const bytesBefore = before && (await readFile(place, 'utf8'))
      const isKnown = before !== undefined && isSame(before, await fileSystem.stat(['database']))
      const step = round % 3 === 2 ? 'attributes' : 'write'
      const mtimeNs = BigInt(round + 1) * 1_000_000n
      const said = await (step === 'write' || before === undefined
        ? fileSystem.writeFile(['database'], source(mtimeNs), before)
        : fileSystem.setAttributes(['database'], { mode: 0o644, mtimeNs }, before)
      ).catch(() => undefined)
      if (said === undefined || (step === 'attributes' && !isKnown)) continue
      const after = await readFile(place, 'utf8')
      if (!isSame(said, await fileSystem.stat(['database']))) continue
      expect(after, `round ${round}: ${step}`).toBe(step === 'write' ? 'ours!!' : bytesBefore)
    }
  })

  it('never waits at a FIFO', async () => {
    const root = await temporaryDirectory()
    const fileSystem = await open(root)
    const user = nodeFolderUser(root)
    await user.makeSpecial(['pipe'])
    const stamp = (await fileSystem.stat(['pipe'])) as DiskStamp
    const reading = fileSystem
      .read(['pipe'], { ...stamp, kind: 'file' })
      [Symbol.asyncIterator]()
      .next()
    await expect(reading).rejects.toMatchObject({ code: 'DITTO_FILE_CHANGED' })
  })

  it('leaves long runs of zeros as holes', async () => {
    const root = await temporaryDirectory()
    const fileSystem = await open(root)
    const pieces = [Buffer.from('begin'), Buffer.alloc(8 << 20), Buffer.from('end')]
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const content = async function* () {
      yield* pieces
    }
    await fileSystem.writeFile(['f'], { content, size, mode: 0o600, mtimeNs: 0n }, undefined)
    expect((await readFile(path.join(root, 'f'))).equals(Buffer.concat(pieces))).toBe(true)
    expect((await lstat(path.join(root, 'f'))).blocks * 512).toBeLessThan(1 << 20)
  })

  it('moves a file and keeps what is saved under its old name meanwhile', async () => {
    const root = await temporaryDirectory()
    const fileSystem = await open(root)
    const saver = new Worker(SAVER, { eval: true, workerData: { root } })
    onTestFinished(async () => {
      await saver.terminate()
    })
    let gone: readonly string[] | undefined
    saver.once('message', (message: readonly string[]) => {
      gone = message
    })
    for (let round = 0; gone === undefined; round++) {
      const stamp = await fileSystem.stat(['a'])
      if (stamp !== undefined) await fileSystem.rename(['a'], [`moved${round}`], stamp).catch(() => undefined)
    }
    const texts = await Promise.all((await readdir(root)).map((name) => readFile(path.join(root, name), 'utf8')))
    const there = new Set(texts)
    expect(gone.length).toBeGreaterThan(0)
    expect(gone.filter((text) => !there.has(text))).toEqual([])
  })

  it('removes what a crash left half written', async () => {
    const root = await temporaryDirectory()
    await writeFile(path.join(root, '.dittofs-0123456789abcdef.tmp'), 'half')
    expect((await (await open(root)).list([]))?.names).toEqual([])
    expect(await readdir(root)).toEqual([])
  })

  it('writes nothing outside while a directory is swapped for a symlink and back', async () => {
    const root = await temporaryDirectory()
    const outside = await temporaryDirectory()
    await mkdir(path.join(root, 'd'))
    await writeFile(path.join(outside, 'victim'), 'kept')
    const victim = await lstat(path.join(outside, 'victim'), { bigint: true })
    const fileSystem = await open(root)
    const swapper = new Worker(SWAPPER, { eval: true, workerData: { root, outside } })
    onTestFinished(async () => {
      await swapper.terminate()
    })
    await once(swapper, 'message')
    let written = 0
    const errors = new Set<string>()
    const attempt = async (work: () => Promise<unknown>): Promise<void> => {
      await work().then(
        () => written++,
        (error: unknown) => errors.add(error instanceof DittoError ? error.code : String(error)),
      )
    }
    for (let round = 0; round < 1500 || (written < 20 && round < 20_000); round++) {
      await attempt(() => fileSystem.writeFile(['d', `f${round}`], sourceOf(['x']), undefined))
      await attempt(() => fileSystem.makeDirectory(['d', `m${round}`]))
      await attempt(async () => {
        // Found within the directory or, were the symlink followed, outside.
        const stamp = await fileSystem.stat(['d', 'victim'])
        if (stamp !== undefined) await fileSystem.remove(['d', 'victim'], stamp)
      })
      for (const { name } of (await fileSystem.list(['d']))?.names ?? []) expect(name).not.toBe('victim')
    }
    expect(await readdir(outside)).toEqual(['victim'])
    expect((await lstat(path.join(outside, 'victim'), { bigint: true })).ctimeNs).toBe(victim.ctimeNs)
    expect(written).toBeGreaterThan(0)
    for (const code of errors) {
      expect(['DITTO_PATH_INVALID', 'DITTO_NOT_FOUND', 'DITTO_FILE_CHANGED', 'DITTO_EXISTS']).toContain(code)
    }
  })
})

/** Swaps `d` for a symlink that leads outside, and back, as fast as it can. */
const SWAPPER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
  const at = workerData.root + '/d'
  parentPort.postMessage('begun')
  for (;;) {
    renameSync(at, at + '.away')
    symlinkSync(workerData.outside, at)
    unlinkSync(at)
    renameSync(at + '.away', at)
  }
`

/**
 * Saves over one name as editors do, as fast as it can. What it saved and then sees gone was moved, and not by itself:
 * it tells all of these, which must be somewhere.
 */
const SAVER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { existsSync, linkSync, renameSync, unlinkSync, writeFileSync } = require('node:fs')
  const at = workerData.root + '/a'
  const gone = new Set()
  let last
  for (let saved = 0; saved < 2000; saved++) {
    writeFileSync(at + '.new', String(saved))
    try {
      linkSync(at + '.new', at)
      unlinkSync(at + '.new')
    } catch {
      // It is there, or there again: this save takes its place.
      gone.delete(last)
      renameSync(at + '.new', at)
    }
    last = String(saved)
    for (let look = 0; look < 20; look++) if (!existsSync(at)) { gone.add(last); break }
  }
  parentPort.postMessage([...gone])
`

import { type FSWatcher, watch, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Clock, systemClock } from '@dittofs/interface'
import { ManualClock, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DirtyDirectories } from '../../src/index.ts'
import { EventBurst } from '../../src/watch/event-burst.ts'
import { watchEachDirectory } from '../../src/watch/watch-each-directory.ts'

/** What a watch told, and a way to wait for more. */
class Told {
  readonly paths = new Set<string>()
  isAll = false
  #wake: () => void = () => undefined

  readonly listen = (dirty: DirtyDirectories): void => {
    if (dirty === 'all') this.isAll = true
    else for (const names of dirty) this.paths.add(names.join('/'))
    this.#wake()
  }

  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Waits until a directory is told, then forgets all. */
  async of(path: string): Promise<void> {
    await this.until(() => this.isAll || this.paths.has(path))
    this.paths.clear()
  }
}

async function watching(root: string, clock: Clock = systemClock, watchPath = watch): Promise<Told> {
  const told = new Told()
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  await watchEachDirectory(root, told.listen, { clock, signal: ending.signal, watch: watchPath })
  return told
}

describe.runIf(process.platform === 'linux')('watching each directory', () => {
  it('tells of the directory in which a file was made, written, renamed or removed', async () => {
    const root = await temporaryDirectory()
    await mkdir(path.join(root, 'a', 'b'), { recursive: true })
    const told = await watching(root)
    await writeFile(path.join(root, 'f'), 'x')
    await told.of('')
    await writeFile(path.join(root, 'a', 'b', 'f'), 'x')
    await told.of('a/b')
    await writeFile(path.join(root, 'a', 'b', 'f'), 'more')
    await told.of('a/b')
    await chmod(path.join(root, 'a', 'b', 'f'), 0o600)
    await told.of('a/b')
    await rename(path.join(root, 'a', 'b', 'f'), path.join(root, 'a', 'g'))
    await told.until(() => told.paths.has('a/b') && told.paths.has('a'))
    told.paths.clear()
    await rm(path.join(root, 'a', 'g'))
    await told.of('a')
  })

  it('sees what is made in directories that came at once with others in them', async () => {
    const root = await temporaryDirectory()
    const told = await watching(root)
    await mkdir(path.join(root, 'a', 'b', 'c'), { recursive: true })
    await told.of('a/b/c')
    await writeFile(path.join(root, 'a', 'b', 'c', 'f'), 'x')
    await told.of('a/b/c')
  })

  it('follows directories that are moved, moved in, and replaced', async () => {
    const root = await temporaryDirectory()
    const outside = await mkdtemp(`${root}-outside-`)
    onTestFinished(() => rm(outside, { recursive: true }))
    await mkdir(path.join(root, 'a', 'b'), { recursive: true })
    await mkdir(path.join(outside, 'new', 'deep'), { recursive: true })
    const told = await watching(root)
    await rename(path.join(root, 'a'), path.join(root, 'moved'))
    await told.of('moved/b')
    await writeFile(path.join(root, 'moved', 'b', 'f'), 'x')
    await told.of('moved/b')
    await rename(path.join(outside, 'new'), path.join(root, 'a'))
    await told.of('a/deep')
    await writeFile(path.join(root, 'a', 'deep', 'f'), 'x')
    await told.of('a/deep')
    await rename(path.join(root, 'a', 'deep'), path.join(outside, 'deep'))
    await mkdir(path.join(root, 'a', 'deep'))
    await told.of('a/deep')
    await writeFile(path.join(root, 'a', 'deep', 'f'), 'x')
    await told.of('a/deep')
  })

  it('does not look through symlinks', async () => {
    const root = await temporaryDirectory()
    const outside = await temporaryDirectory()
    await symlink(outside, path.join(root, 'link'))
    const told = await watching(root)
    await writeFile(path.join(outside, 'f'), 'x')
    await writeFile(path.join(root, 'f'), 'x')
    await told.until(() => told.paths.has(''))
    expect([...told.paths]).toEqual([''])
  })

  it('tells that all may have changed when so much did that the kernel may have lost some', async () => {
    const root = await temporaryDirectory()
    const told = await watching(root)
    // Nothing is read meanwhile: the events pile up in the kernel's queue.
    for (let index = 0; index < 4000; index++) writeFileSync(path.join(root, `f${index}`), 'x')
    await told.until(() => told.isAll)
    await mkdir(path.join(root, 'later'))
    await told.of('later')
  })

  it('says which setting to change when the system allows no more watches', async () => {
    const root = await temporaryDirectory()
    await mkdir(path.join(root, 'a'))
    let left = 1
    const limited = (...args: Parameters<typeof watch>): FSWatcher => {
      if (left-- <= 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      return watch(...args)
    }
    const failed = watching(root, systemClock, limited as typeof watch)
    await expect(failed).rejects.toMatchObject({
      code: 'DITTO_LIMIT',
      message: expect.stringMatching(/sudo sysctl fs\.inotify\.max_user_watches=\d{6,}/) as string,
    })
  })

  it('tells repeatedly of a directory that came when no more watches were allowed, until it can watch it', async () => {
    const root = await temporaryDirectory()
    let isLimited = false
    const limited = (...args: Parameters<typeof watch>): FSWatcher => {
      if (isLimited) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      return watch(...args)
    }
    const clock = new ManualClock()
    const told = await watching(root, clock, limited as typeof watch)
    const ofInTime = async (directory: string) => {
      await clock.until(() => told.paths.has(directory))
      told.paths.clear()
    }
    isLimited = true
    await mkdir(path.join(root, 'a'))
    await ofInTime('a')
    await ofInTime('a')
    isLimited = false
    await mkdir(path.join(root, 'a', 'b'))
    await ofInTime('a/b')
    await writeFile(path.join(root, 'a', 'b', 'f'), 'x')
    await ofInTime('a/b')
  })

  it('ends when it is aborted, also before it began', async () => {
    const root = await temporaryDirectory()
    const signal = AbortSignal.abort()
    await expect(watchEachDirectory(root, () => undefined, { clock: systemClock, signal })).rejects.toThrow()
  })

  it('does not begin where there is no directory', async () => {
    const root = path.join(await temporaryDirectory(), 'none')
    await expect(watching(root)).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })
})

describe('EventBurst', () => {
  it('takes a quarter of the queue read in one go for an overflow, and begins anew after it', () => {
    let end: () => void = () => undefined
    const burst = new EventBurst(16, (action) => {
      end = action
    })
    expect([1, 2, 3, 4, 5].map(() => burst.count())).toEqual([false, false, false, true, true])
    end()
    expect(burst.count()).toBe(false)
  })
})

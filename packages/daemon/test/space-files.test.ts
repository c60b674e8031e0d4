import { execFileSync } from 'node:child_process'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { isDittoError, type Progress } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { asOtherUser, canChangeUser } from './support/as-other-user.ts'
import { collected, joined, localFiles } from './support/local-files.ts'

const LARGE = 3 * 1024 * 1024

/** A tree with everything in it that a space keeps. */
async function makeTree(): Promise<string> {
  const tree = path.join(await temporaryDirectory(), 'tree')
  await mkdir(path.join(tree, 'deep', 'empty'), { recursive: true })
  await writeFile(path.join(tree, 'a.txt'), 'alpha')
  await writeFile(path.join(tree, 'nothing'), '')
  await writeFile(path.join(tree, 'deep', 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  await writeFile(path.join(tree, 'deep', 'large'), pseudoRandomBytes(1, LARGE))
  await symlink('../a.txt', path.join(tree, 'deep', 'link'))
  await utimes(path.join(tree, 'a.txt'), 1_600_000_000, 1_600_000_000.123456)
  await chmod(path.join(tree, 'deep'), 0o750)
  await utimes(path.join(tree, 'deep'), 1_500_000_000, 1_500_000_000)
  return tree
}

/** What a tree looks like from outside, times in microseconds. */
async function picture(root: string, below = ''): Promise<string[]> {
  const place = path.join(root, below)
  const seen = await lstat(place, { bigint: true })
  const line = [below, (seen.mode & 0o777n).toString(8), String(seen.mtimeNs / 1000n)]
  if (seen.isSymbolicLink()) return [[...line.slice(0, 1), await readlink(place)].join(' ')]
  if (seen.isFile()) return [[...line, (await readFile(place)).toString('base64')].join(' ')]
  const names = (await readdir(place)).sort()
  return [line.join(' '), ...(await Promise.all(names.map((name) => picture(root, path.join(below, name))))).flat()]
}

describe('add and get', () => {
  it('bring a tree back as it was: bytes, modes, times, symlinks, empty directories', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    const added = await files.add(space, [tree])
    expect(added).toMatchObject({ files: 4, directories: 3, symlinks: 1, unchanged: 0, paths: ['tree'], skipped: [] })
    expect(added.bytes).toBe(LARGE + 15)
    const directory = await temporaryDirectory()
    const got = await files.get(space, 'tree', { directory })
    expect(got).toMatchObject({ files: 4, directories: 3, symlinks: 1, fetchedBytes: 0, skipped: [] })
    expect(got.output).toBe(path.join(directory, 'tree'))
    expect(await picture(got.output)).toEqual(await picture(tree))
  })

  it('cost no chunk and no version the second time, nor after a get', async () => {
    const { files, space, metadata } = await localFiles()
    const tree = await makeTree()
    await files.add(space, [tree])
    const before = metadata.digest()
    expect(await files.add(space, [`${tree}/`])).toMatchObject({ files: 4, unchanged: 4, newChunks: 0, newBytes: 0 })
    const directory = await temporaryDirectory()
    const { output } = await files.get(space, 'tree', { directory })
    expect(await files.add(space, [output])).toMatchObject({ files: 4, unchanged: 4, newChunks: 0 })
    expect(metadata.digest()).toEqual(before)
  })

  it('recognise an unchanged file without reading it, and one whose times were set back by its change time', async () => {
    const { files, space, store } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, 'one')
    await utimes(file, 1_600_000_000, 1_600_000_000)
    await files.add(space, [file])
    let imports = 0
    const importFile = store.importFile.bind(store)
    store.importFile = (...call) => {
      imports++
      return importFile(...call)
    }
    expect(await files.add(space, [file])).toMatchObject({ unchanged: 1 })
    expect(imports).toBe(0)
    await writeFile(file, 'two')
    await utimes(file, 1_600_000_000, 1_600_000_000)
    expect(await files.add(space, [file])).toMatchObject({ unchanged: 0, newChunks: 1 })
  })

  it('give an unchanged file another name without reading it, as long as every chunk of it is held', async () => {
    const { files, space, store, metadata } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, pseudoRandomBytes(1, LARGE))
    await chmod(file, 0o640)
    await files.add(space, [file])
    const importFile = store.importFile.bind(store)
    let imports = 0
    store.importFile = (...call) => {
      imports++
      return importFile(...call)
    }
    expect(await files.add(space, [file], { as: 'g' })).toMatchObject({ files: 1, bytes: LARGE, newChunks: 0 })
    expect(await files.add(space, [file], { as: 'h' })).toMatchObject({ files: 1, bytes: LARGE, newChunks: 0 })
    expect(imports).toBe(0)
    expect(metadata.lookup('h')?.file).toEqual(metadata.lookup('f')?.file)
    expect(metadata.lookup('h')?.node).not.toBe(metadata.lookup('f')?.node)

    const has = store.has.bind(store)
    const content = metadata.lookup('h')?.file?.content
    const lost = content?.kind === 'manifest' ? content.root : undefined
    store.has = async (id, ids) => (await has(id, ids)).map((isHeld, nth) => isHeld && ids[nth] !== lost)
    await files.add(space, [file], { as: 'i' })
    expect(imports).toBe(1)
  })

  it('tell the store what a file that changed held before', async () => {
    const { files, space, store, metadata } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, 'one')
    await files.add(space, [file])
    const before = metadata.lookup('f')?.file
    const importFile = store.importFile.bind(store)
    const liked: unknown[] = []
    store.importFile = (id, source, options) => {
      liked.push(options?.like)
      return importFile(id, source, options)
    }
    await writeFile(file, 'two!')
    await files.add(space, [file])
    expect(liked).toEqual([before])
  })

  it('read a file again whose first content the space no longer shows', async () => {
    const { files, space, store } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, 'one')
    await files.add(space, [file])
    await space.metadata.transact([{ type: 'remove', path: 'f' }])
    let imports = 0
    const importFile = store.importFile.bind(store)
    store.importFile = (...call) => {
      imports++
      return importFile(...call)
    }
    await files.add(space, [file], { as: 'g' })
    expect(imports).toBe(1)
  })

  it('make a new version of a file that changed, and of one whose mode alone changed', async () => {
    const { files, space, metadata } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, 'one')
    await files.add(space, [file])
    const { node, version } = metadata.lookup('f') ?? {}
    await writeFile(file, 'two!')
    expect(await files.add(space, [file])).toMatchObject({ unchanged: 0, newChunks: 1 })
    await chmod(file, 0o600)
    expect(await files.add(space, [file])).toMatchObject({ unchanged: 0, newChunks: 0 })
    const after = metadata.lookup('f')
    expect(after?.node).toBe(node)
    expect(after?.version).not.toBe(version)
    expect(after?.file).toMatchObject({ size: 4, mode: 0o600 })
  })

  it('tell progress that never falls and ends at the totals', async () => {
    const { files, space } = await localFiles()
    const seen: Progress[] = []
    await files.add(space, [await makeTree()], { onProgress: (progress) => seen.push(progress) })
    const adding = seen.filter((progress) => progress.phase === 'add')
    expect(adding.at(-1)).toMatchObject({ filesDone: 4, filesTotal: 4, bytesDone: LARGE + 15, bytesTotal: LARGE + 15 })
    const bytes = adding.map((progress) => progress.bytesDone)
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
  })
})

describe('add', () => {
  it('refuses a different file at a path that is taken, and changes nothing', async () => {
    const { files, space, metadata } = await localFiles()
    const first = path.join(await temporaryDirectory(), 'd')
    const second = path.join(await temporaryDirectory(), 'd')
    await mkdir(first)
    await mkdir(second)
    await writeFile(path.join(first, 'f'), 'one')
    await writeFile(path.join(second, 'f'), 'two')
    await writeFile(path.join(second, 'a-new-file'), 'new')
    await files.add(space, [first])
    const before = metadata.digest()
    await expect(files.add(space, [second])).rejects.toMatchObject({
      code: 'DITTO_EXISTS',
      details: { paths: ['d/f'] },
      message: expect.stringContaining('--replace') as string,
    })
    expect(metadata.digest()).toEqual(before)
    await files.add(space, [second], { as: 'other' })
    await files.add(space, [second], { replace: true })
    expect(await joined(files.read(space, 'd/f'))).toEqual(Buffer.from('two'))
    expect(await joined(files.read(space, 'other/f'))).toEqual(Buffer.from('two'))
  })

  it('takes the same content from another place as the same file', async () => {
    const { files, space } = await localFiles()
    const first = path.join(await temporaryDirectory(), 'f')
    const second = path.join(await temporaryDirectory(), 'f')
    await writeFile(first, 'same')
    await writeFile(second, 'same')
    await files.add(space, [first])
    expect(await files.add(space, [second])).toMatchObject({ unchanged: 1, newChunks: 0 })
  })

  it('does not undo what another device made of an unchanged file, nor overwrite it', async () => {
    const { files, space, metadata } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    const elsewhere = path.join(await temporaryDirectory(), 'g')
    await writeFile(file, 'one')
    await writeFile(elsewhere, 'edited by bob')
    await files.add(space, [file])
    await files.add(space, [elsewhere], { as: 'f' })
    const edited = metadata.digest()
    expect(await files.add(space, [file])).toMatchObject({ unchanged: 1 })
    await writeFile(file, 'edited by alice')
    await expect(files.add(space, [file])).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    expect(metadata.digest()).toEqual(edited)
  })

  it('takes an edit of a file that get wrote as a new version of it', async () => {
    const { files, space } = await localFiles()
    const file = path.join(await temporaryDirectory(), 'f')
    await writeFile(file, 'one')
    await files.add(space, [file])
    const { output } = await files.get(space, 'f', { directory: await temporaryDirectory() })
    await writeFile(output, 'edited')
    expect(await files.add(space, [output])).toMatchObject({ files: 1, unchanged: 0 })
    expect(await joined(files.read(space, 'f'))).toEqual(Buffer.from('edited'))
  })

  it('lets a file become a symlink, but a directory give way only to a word', async () => {
    const { files, space, metadata } = await localFiles()
    const directory = await temporaryDirectory()
    await writeFile(path.join(directory, 'f'), 'one')
    await files.add(space, [path.join(directory, 'f')])
    await rm(path.join(directory, 'f'))
    await symlink('elsewhere', path.join(directory, 'f'))
    await files.add(space, [path.join(directory, 'f')])
    expect(metadata.lookup('f')).toMatchObject({ kind: 'symlink', symlink: { target: 'elsewhere' } })
    await rm(path.join(directory, 'f'))
    await mkdir(path.join(directory, 'f'))
    await files.add(space, [path.join(directory, 'f')])
    expect(metadata.lookup('f')).toMatchObject({ kind: 'directory' })
    await rm(path.join(directory, 'f'), { recursive: true })
    await writeFile(path.join(directory, 'f'), 'two')
    await expect(files.add(space, [path.join(directory, 'f')])).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    await files.add(space, [path.join(directory, 'f')], { replace: true })
    expect(metadata.lookup('f')).toMatchObject({ kind: 'file' })
  })

  it('reports what it leaves out of a tree', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    execFileSync('mkfifo', [path.join(tree, 'pipe')])
    const { skipped, files: count } = await files.add(space, [tree])
    expect(skipped).toEqual([
      { path: path.join(tree, 'pipe'), code: 'DITTO_UNSUPPORTED', reason: 'it is a named pipe' },
    ])
    expect(count).toBe(4)
  })

  it.skipIf(!canChangeUser)(
    'reports unreadable files of a tree, and refuses one named (needs root to become another user)',
    async () => {
      const { files, space, home } = await localFiles()
      const tree = await makeTree()
      await writeFile(path.join(tree, 'secret'), 'x', { mode: 0o600 })
      for (const place of [path.dirname(tree), tree, home]) await chmod(place, 0o755)
      await asOtherUser(async () => {
        const { skipped } = await files.add(space, [tree])
        expect(skipped).toMatchObject([{ path: path.join(tree, 'secret'), code: 'DITTO_PERMISSION' }])
        await expect(files.add(space, [path.join(tree, 'secret')])).rejects.toMatchObject({ code: 'DITTO_PERMISSION' })
      })
    },
  )

  it.skipIf(!canChangeUser)(
    'names the directory that get may not write to (needs root to become another user)',
    async () => {
      const { files, space, home } = await localFiles()
      const tree = await makeTree()
      const closed = path.join(await temporaryDirectory(), 'closed')
      await mkdir(closed, { mode: 0o700 })
      for (const place of [path.dirname(tree), path.dirname(closed), tree, home]) await chmod(place, 0o755)
      await files.add(space, [path.join(tree, 'a.txt')])
      await asOtherUser(async () => {
        const refused = expect.objectContaining({
          code: 'DITTO_PERMISSION',
          message: expect.stringContaining(closed) as string,
        }) as unknown
        const options = { output: path.join(closed, 'out'), directory: closed }
        await expect(files.get(space, 'a.txt', options)).rejects.toEqual(refused)
      })
    },
  )

  it('says what is wrong with its arguments', async () => {
    const { files, space } = await localFiles()
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'a'))
    await writeFile(path.join(directory, 'f'), '1')
    await writeFile(path.join(directory, 'a', 'f'), '2')
    const [one, two] = [path.join(directory, 'f'), path.join(directory, 'a', 'f')] as const
    await expect(files.add(space, [])).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(files.add(space, [one, two], { as: 'x' })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(files.add(space, [one, two])).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(files.add(space, ['/no/such'])).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    expect(await files.add(space, [one, `${directory}/./f`])).toMatchObject({ files: 1 })
  })

  it('leaves things whole when it is aborted, and can be taken up again', async () => {
    const { files, space, metadata } = await localFiles()
    const directory = path.join(await temporaryDirectory(), 'many')
    await mkdir(directory)
    await Promise.all(Array.from({ length: 2500 }, (_, i) => writeFile(path.join(directory, String(i)), String(i))))
    const controller = new AbortController()
    const onProgress = ({ phase, filesDone }: Progress) => {
      if (phase === 'add' && filesDone > 100) controller.abort()
    }
    await expect(files.add(space, [directory], { signal: controller.signal, onProgress })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(metadata.counts().files).toBeLessThan(2500)
    expect(await files.add(space, [directory])).toMatchObject({ files: 2500 })
    expect(metadata.counts().files).toBe(2500)
  })
})

describe('list', () => {
  it('shows the tree in order of path, the root left out', async () => {
    const { files, space } = await localFiles()
    await files.add(space, [await makeTree()])
    const entries = await collected(files.list(space, ''))
    expect(entries.map(({ path: at, kind }) => `${kind} ${at}`)).toEqual([
      'directory tree',
      'file tree/a.txt',
      'directory tree/deep',
      'directory tree/deep/empty',
      'file tree/deep/large',
      'symlink tree/deep/link',
      'file tree/deep/run.sh',
      'file tree/nothing',
    ])
    expect(entries[1]).toEqual({
      ...{ path: 'tree/a.txt', kind: 'file', size: 5, mode: 0o644, missingChunks: 0, chunks: 1 },
      mtime: '1600000000123456000',
    })
    expect(entries[5]).toMatchObject({ size: 8, target: '../a.txt', mode: 0o777 })
    const verbose = await collected(files.list(space, 'tree/deep/large', { isVerbose: true }))
    expect(verbose[0]?.chunkIds).toHaveLength(verbose[0]?.chunks ?? 0)
    expect(verbose[0]?.author).toBe('alice')
  })

  it('counts the chunks that are missing and can show those files alone', async () => {
    const { files, space, store } = await localFiles()
    await files.add(space, [await makeTree()])
    const [large] = await collected(files.list(space, 'tree/deep/large', { isVerbose: true }))
    const [id] = large?.chunkIds ?? []
    if (id === undefined) throw new Error('no chunk')
    store.damage(id)
    await expect(store.get(space.id, id)).rejects.toMatchObject({ code: 'DITTO_CHUNK_CORRUPT' })
    const missing = await collected(files.list(space, '', { missing: true }))
    expect(missing.map((entry) => [entry.path, entry.missingChunks])).toEqual([['tree/deep/large', 1]])
    await expect(files.get(space, 'tree', { directory: await temporaryDirectory() })).rejects.toMatchObject({
      code: 'DITTO_CHUNK_MISSING',
      details: { files: 1, missingChunks: 1 },
    })
  })

  it('says that there is nothing at a path', async () => {
    const { files, space } = await localFiles()
    expect(await collected(files.list(space, ''))).toEqual([])
    await expect(collected(files.list(space, 'none'))).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })
})

describe('get', () => {
  it('finds a file by the path it was added from, after a move as well', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    await files.add(space, [tree], { as: 'stored' })
    await files.move(space, 'stored', 'moved')
    const directory = await temporaryDirectory()
    const { output } = await files.get(space, path.join(tree, 'a.txt'), { directory })
    expect(await readFile(output, 'utf8')).toBe('alpha')
    const relative = await files.get(space, '../deep/run.sh', {
      directory: path.join(tree, 'deep'),
      output: path.join(directory, 'r'),
    })
    expect(await readFile(relative.output, 'utf8')).toBe('#!/bin/sh\n')
  })

  it('leaves an existing different file alone without an output, and overwrites it with one', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    await files.add(space, [tree])
    const directory = await temporaryDirectory()
    const output = path.join(directory, 'a.txt')
    await writeFile(output, 'mine!')
    await expect(files.get(space, 'tree/a.txt', { directory })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    expect(await readFile(output, 'utf8')).toBe('mine!')
    await files.get(space, 'tree/a.txt', { directory, output })
    expect(await readFile(output, 'utf8')).toBe('alpha')
    expect(await files.get(space, 'tree/a.txt', { directory })).toMatchObject({ files: 1 })
    expect(await readdir(directory)).toEqual(['a.txt'])
  })

  it('completes a tree of which a part is there', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    await files.add(space, [tree])
    const directory = await temporaryDirectory()
    const { output } = await files.get(space, 'tree', { directory })
    await rm(path.join(output, 'deep', 'run.sh'))
    await files.get(space, 'tree', { directory, output })
    expect(await picture(output)).toEqual(await picture(tree))
  })

  it('leaves no trace when the content turns out damaged half-way', async () => {
    const { files, space, store } = await localFiles()
    await files.add(space, [await makeTree()])
    const [large] = await collected(files.list(space, 'tree/deep/large', { isVerbose: true }))
    const last = large?.chunkIds?.at(-1)
    if (last === undefined) throw new Error('no chunk')
    store.damage(last)
    const directory = await temporaryDirectory()
    for (const at of ['tree', 'tree/deep/large']) {
      const failure = await files.get(space, at, { directory }).catch((error: unknown) => error)
      expect(isDittoError(failure) && ['DITTO_CHUNK_CORRUPT', 'DITTO_CHUNK_MISSING'].includes(failure.code)).toBe(true)
    }
    expect(await readdir(directory)).toEqual([])
  })

  it('reports symlinks that lead outside instead of making them', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    await symlink('/etc/passwd', path.join(tree, 'out'))
    await files.add(space, [tree])
    const { output, skipped } = await files.get(space, 'tree', { directory: await temporaryDirectory() })
    expect(skipped).toMatchObject([{ path: 'tree/out', code: 'DITTO_UNSUPPORTED' }])
    await expect(stat(path.join(output, 'out'))).rejects.toMatchObject({ code: 'ENOENT' })
    const all = await localFiles({ symlinks: 'all' })
    await all.files.add(all.space, [tree])
    const made = await all.files.get(all.space, 'tree', { directory: await temporaryDirectory() })
    expect(await readlink(path.join(made.output, 'out'))).toBe('/etc/passwd')
  })

  it('gets the whole space under its name', async () => {
    const { files, space } = await localFiles()
    const tree = await makeTree()
    await files.add(space, [tree])
    const { output } = await files.get(space, '/', { directory: await temporaryDirectory() })
    expect(path.basename(output)).toBe('home')
    expect(await picture(path.join(output, 'tree'))).toEqual(await picture(tree))
  })

  it('says that the directory to write in is not there', async () => {
    const { files, space } = await localFiles()
    await files.add(space, [await makeTree()])
    await expect(files.get(space, 'tree', { directory: '/no/such' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await expect(files.get(space, 'none', { directory: '/tmp' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })
})

describe('read', () => {
  it('gives any range of a file', async () => {
    const { files, space } = await localFiles()
    await files.add(space, [await makeTree()])
    const whole = pseudoRandomBytes(1, LARGE)
    for (const [start, end] of [
      [0, LARGE],
      [0, 0],
      [1, 2],
      [70_000, 1_000_000],
      [LARGE - 1, LARGE],
    ] as const) {
      expect(
        (await joined(files.read(space, 'tree/deep/large', { start, end }))).equals(whole.subarray(start, end)),
      ).toBe(true)
    }
    expect(await joined(files.read(space, 'tree/nothing'))).toEqual(Buffer.alloc(0))
  })

  it('refuses ranges outside the file, and directories', async () => {
    const { files, space } = await localFiles()
    await files.add(space, [await makeTree()])
    for (const range of [{ start: -1 }, { end: LARGE + 1 }, { start: 5, end: 4 }, { start: 0.5 }]) {
      await expect(joined(files.read(space, 'tree/deep/large', range))).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    }
    await expect(joined(files.read(space, 'tree'))).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await expect(joined(files.read(space, 'none'))).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
  })
})

import { execFileSync } from 'node:child_process'
import { chmod, lstat, mkdir, readdir, readFile, readlink, rename, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CheckedDirectories, DescriptorDirectories } from '@dittofs/live-folder'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { removeTree } from '../src/tree/remove-tree.ts'
import { TreeWriter, type TreeWriterInit } from '../src/tree/tree-writer.ts'

const ATTRIBUTES = { mode: 0o640, mtimeNs: 1_700_000_000_123_456_789n }

async function* bytes(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

describe.each([
  { name: 'by descriptors', kind: DescriptorDirectories, runs: process.platform === 'linux' },
  { name: 'by checks', kind: CheckedDirectories, runs: true },
])('TreeWriter $name', ({ kind, runs }) => {
  async function writerFor(root: string, init: Partial<TreeWriterInit> = {}): Promise<TreeWriter> {
    const directories = await kind.open(root)
    const writer = new TreeWriter(directories, {
      root,
      symlinks: 'inside',
      durability: 'group',
      canReplace: true,
      ...init,
    })
    onTestFinished(() => writer.close())
    return writer
  }

  it.runIf(runs)('writes files with their modes, and times to the microsecond', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root)
    expect(await writer.writeFile(['a.txt'], ATTRIBUTES, 4, () => bytes('on', 'ce'))).toBe('written')
    const there = await stat(path.join(root, 'a.txt'), { bigint: true })
    expect(await readFile(path.join(root, 'a.txt'), 'utf8')).toBe('once')
    expect(there.mode & 0o7777n).toBe(0o640n)
    expect(there.mtimeNs).toBe(1_700_000_000_123_456_000n)
  })

  it.runIf(runs)('keeps times before 1970', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root)
    await writer.writeFile(['old'], { mode: 0o600, mtimeNs: -5_500_000_000n }, 0, () => bytes())
    expect((await stat(path.join(root, 'old'))).mtimeMs).toBe(-5500)
  })

  it.runIf(runs)('finishes directories after what is in them, even ones that their owner may not write', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root)
    expect(await writer.makeDirectory(['d'])).toBe(true)
    expect(await writer.makeDirectory(['d'])).toBe(false)
    expect((await stat(path.join(root, 'd'))).mode & 0o777).toBe(0o700)
    await writer.writeFile(['d', 'f'], ATTRIBUTES, 1, () => bytes('x'))
    await writer.finishDirectory(['d'], { mode: 0o555, mtimeNs: 1_000_000_000n })
    const there = await stat(path.join(root, 'd'))
    expect([there.mode & 0o777, there.mtimeMs]).toEqual([0o555, 1000])
  })

  it.runIf(runs)('drops setuid, setgid and sticky bits', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root)
    await writer.writeFile(['f'], { mode: 0o6755, mtimeNs: 0n }, 0, () => bytes())
    await writer.makeDirectory(['d'])
    await writer.finishDirectory(['d'], { mode: 0o7777, mtimeNs: 0n })
    expect((await stat(path.join(root, 'f'))).mode & 0o7777).toBe(0o755)
    expect((await stat(path.join(root, 'd'))).mode & 0o7777).toBe(0o777)
  })

  it.runIf(runs).each(['..', '.', '', 'a/b', '/etc', 'a\0b', '.dittofs-x', 'a'.repeat(256), 'e\u0301'])(
    'refuses the name %j',
    async (name) => {
      const root = await temporaryDirectory()
      await mkdir(path.join(root, 'in'))
      const writer = await writerFor(path.join(root, 'in'))
      const refused = { code: 'DITTO_PATH_INVALID' }
      await expect(writer.writeFile([name], ATTRIBUTES, 1, () => bytes('x'))).rejects.toMatchObject(refused)
      await expect(writer.writeFile([name, 'f'], ATTRIBUTES, 1, () => bytes('x'))).rejects.toMatchObject(refused)
      await expect(writer.makeDirectory([name])).rejects.toMatchObject(refused)
      await expect(writer.finishDirectory([name], ATTRIBUTES)).rejects.toMatchObject(refused)
      await expect(writer.makeSymlink([name], 'f', 0n)).rejects.toMatchObject(refused)
      expect(await readdir(root)).toEqual(['in'])
      expect(await readdir(path.join(root, 'in'))).toEqual([])
    },
  )

  it.runIf(runs)('never writes through a symlink', async () => {
    const root = await temporaryDirectory()
    const outside = await temporaryDirectory()
    await writeFile(path.join(outside, 'kept'), 'kept')
    await symlink(outside, path.join(root, 'link'))
    const writer = await writerFor(root, { symlinks: 'all' })
    await expect(writer.writeFile(['link', 'f'], ATTRIBUTES, 1, () => bytes('x'))).rejects.toMatchObject({
      code: 'DITTO_PATH_INVALID',
    })
    await expect(writer.makeDirectory(['link'])).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    await expect(writer.finishDirectory(['link'], ATTRIBUTES)).rejects.toMatchObject({ code: 'DITTO_PATH_INVALID' })
    await writer.makeSymlink(['file'], path.join(outside, 'kept'), 0n)
    await writer.writeFile(['file'], ATTRIBUTES, 1, () => bytes('x'))
    expect(await readdir(outside)).toEqual(['kept'])
    expect(await readFile(path.join(outside, 'kept'), 'utf8')).toBe('kept')
    expect((await lstat(path.join(root, 'file'))).isFile()).toBe(true)
  })

  it.runIf(runs)('makes symlinks that stay inside and says why it does not make others', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root)
    await writer.makeDirectory(['d'])
    expect(await writer.makeSymlink(['d', 'up'], '../a', 1_000_000_000n)).toBeUndefined()
    expect(await writer.makeSymlink(['d', 'up'], '../a', 1_000_000_000n)).toBeUndefined()
    expect(await readlink(path.join(root, 'd', 'up'))).toBe('../a')
    expect((await lstat(path.join(root, 'd', 'up'))).mtimeMs).toBe(1000)
    expect(await writer.makeSymlink(['d', 'out'], '../../a', 0n)).toContain('leads outside')
    expect(await writer.makeSymlink(['abs'], '/etc/passwd', 0n)).toContain('leads outside')
    expect(await writer.makeSymlink(['nul'], 'a\0b', 0n)).toContain('NUL')
    expect(await readdir(root)).toEqual(['d'])
  })

  it.runIf(runs)('makes every symlink where the settings say so', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root, { symlinks: 'all' })
    await writer.makeSymlink(['abs'], '/nowhere', 0n)
    expect(await readlink(path.join(root, 'abs'))).toBe('/nowhere')
  })

  it.runIf(runs && process.platform !== 'win32')('neither waits at a FIFO nor writes into it', async () => {
    const root = await temporaryDirectory()
    execFileSync('mkfifo', [path.join(root, 'pipe')])
    const careful = await writerFor(root, { canReplace: false })
    await expect(careful.writeFile(['pipe'], ATTRIBUTES, 1, () => bytes('x'))).rejects.toMatchObject({
      code: 'DITTO_EXISTS',
    })
    const writer = await writerFor(root)
    await writer.writeFile(['pipe'], ATTRIBUTES, 1, () => bytes('x'))
    expect(await readFile(path.join(root, 'pipe'), 'utf8')).toBe('x')
  })

  it.runIf(runs)('leaves a file of the same content alone, and any other unless it may replace it', async () => {
    const root = await temporaryDirectory()
    await writeFile(path.join(root, 'f'), 'mine')
    await chmod(path.join(root, 'f'), 0o600)
    await mkdir(path.join(root, 'd'))
    const writer = await writerFor(root, { canReplace: false })
    expect(await writer.writeFile(['f'], ATTRIBUTES, 4, () => bytes('mi', 'ne'))).toBe('same')
    expect((await stat(path.join(root, 'f'))).mode & 0o777).toBe(0o600)
    for (const other of ['min', 'mind', 'mine!']) {
      await expect(writer.writeFile(['f'], ATTRIBUTES, other.length, () => bytes(other))).rejects.toMatchObject({
        code: 'DITTO_EXISTS',
      })
    }
    const replacing = await writerFor(root)
    await expect(replacing.writeFile(['d'], ATTRIBUTES, 1, () => bytes('x'))).rejects.toMatchObject({
      code: 'DITTO_EXISTS',
    })
    expect(await readFile(path.join(root, 'f'), 'utf8')).toBe('mine')
  })

  it.runIf(runs)('leaves the old file and no rest of the new one when the content fails half-way', async () => {
    const root = await temporaryDirectory()
    await writeFile(path.join(root, 'f'), 'old')
    const writer = await writerFor(root)
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half')
      throw new Error('the peer is gone')
    }
    await expect(writer.writeFile(['f'], ATTRIBUTES, 8, failing)).rejects.toThrow('the peer is gone')
    expect(await readdir(root)).toEqual(['f'])
    expect(await readFile(path.join(root, 'f'), 'utf8')).toBe('old')
  })

  it.runIf(runs)('writes in more directories than it keeps open, many at once', async () => {
    const root = await temporaryDirectory()
    const writer = await writerFor(root, { canReplace: false })
    const names = Array.from({ length: 600 }, (_, i) => `d${i}`)
    await Promise.all(
      names.map(async (name) => {
        await writer.makeDirectory([name])
        await writer.writeFile([name, 'f'], ATTRIBUTES, name.length, () => bytes(name))
        await writer.finishDirectory([name], ATTRIBUTES)
      }),
    )
    expect(await readFile(path.join(root, 'd0', 'f'), 'utf8')).toBe('d0')
    expect(await readFile(path.join(root, 'd599', 'f'), 'utf8')).toBe('d599')
  })
})

describe('TreeWriter against a local attacker', () => {
  it.runIf(process.platform === 'linux')(
    'writes nothing outside while a directory is swapped for a symlink in a loop',
    async () => {
      const root = await temporaryDirectory()
      const outside = await temporaryDirectory()
      await mkdir(path.join(root, 'd'))
      await mkdir(path.join(root, 'd', 'e'))
      let isDone = false
      const swapping = (async () => {
        while (!isDone) {
          await rename(path.join(root, 'd'), path.join(root, 'aside'))
          await symlink(outside, path.join(root, 'd'))
          await rename(path.join(root, 'd'), path.join(root, 'link'))
          await rename(path.join(root, 'aside'), path.join(root, 'd'))
        }
      })()
      let written = 0
      let refused = 0
      for (let i = 0; i < 400; i++) {
        const writer = await TreeWriter.open({ root, symlinks: 'all', durability: 'none', canReplace: true })
        await writer
          .writeFile(['d', 'e', `f${i}`], ATTRIBUTES, 1, () => bytes('x'))
          .then(
            () => written++,
            () => refused++,
          )
        await writer.writeFile(['d', `g${i}`], ATTRIBUTES, 1, () => bytes('x')).catch(() => refused++)
        await writer.close()
      }
      isDone = true
      await swapping
      expect(await readdir(outside)).toEqual([])
      expect(written).toBeGreaterThan(0)
      expect(refused).toBeGreaterThan(0)
    },
  )
})

describe('removeTree', () => {
  it('removes what is in a directory and leaves what its symlinks lead to', async () => {
    const root = await temporaryDirectory()
    const outside = await temporaryDirectory()
    await writeFile(path.join(outside, 'kept'), '')
    await mkdir(path.join(root, 't', 'a', 'b'), { recursive: true })
    await writeFile(path.join(root, 't', 'a', 'b', 'f'), '')
    await symlink(outside, path.join(root, 't', 'a', 'link'))
    await removeTree(root, 't')
    expect(await readdir(root)).toEqual([])
    expect(await readdir(outside)).toEqual(['kept'])
  })
})

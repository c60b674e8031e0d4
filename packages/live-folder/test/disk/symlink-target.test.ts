import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { platformNameFault } from '../../src/disk/platform-name.ts'
import { staysInside } from '../../src/disk/symlink-target.ts'

describe('staysInside', () => {
  it.each([
    ['a', 0],
    ['a/b', 0],
    ['./a', 0],
    ['../a', 1],
    ['../../a/b', 2],
    ['.', 0],
    ['a//b/', 0],
  ])('lets %j at depth %i be made', (target, depth) => {
    expect(staysInside(target, depth)).toBe(true)
  })

  it.each([
    ['', 0],
    ['/a', 3],
    ['..', 0],
    ['../a', 0],
    ['../../a', 1],
    ['a/../..', 1],
    ['a/..', 5],
    ['C:\\a', 1],
    ['..\\a', 1],
  ])('holds %j at depth %i back', (target, depth) => {
    expect(staysInside(target, depth)).toBe(false)
  })

  it('keeps every chain of symlinks it allows inside the tree', async () => {
    const part = fc.constantFrom('..', '.', 'd', 'l0', 'l1', 'l2', 'f')
    const links = fc.array(fc.array(part, { minLength: 1, maxLength: 5 }), { minLength: 3, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(links, async (targets) => {
        const base = await temporaryDirectory()
        const root = path.join(base, 'root')
        await mkdir(path.join(root, 'd', 'd'), { recursive: true })
        await writeFile(path.join(root, 'f'), '')
        for (const [index, target] of targets.entries()) {
          const parents = index === 0 ? [] : ['d', 'd'].slice(0, index)
          if (!staysInside(target.join('/'), parents.length)) continue
          await symlink(target.join('/'), path.join(root, ...parents, `l${index}`))
        }
        for (const [index] of targets.entries()) {
          const place = path.join(root, ...['d', 'd'].slice(0, index), `l${index}`)
          const real = await realpath(place).catch(() => root)
          expect(real === root || real.startsWith(`${root}/`)).toBe(true)
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('platformNameFault', () => {
  it.each(['a:b', 'con', 'CON.txt', 'lpt1.tar.gz', 'a.', 'a ', 'a\\b', 'a?', 'a\u0001'])(
    'names what Windows cannot hold: %j',
    (name) => {
      expect(platformNameFault(name, 'win32')).toBeDefined()
      expect(platformNameFault(name, 'linux')).toBeUndefined()
    },
  )
  it.each(['a.txt', 'console', 'com', '.hidden', 'ü'])('takes %j on Windows', (name) => {
    expect(platformNameFault(name, 'win32')).toBeUndefined()
  })
})

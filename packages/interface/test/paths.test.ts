import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_NAME_BYTES, MAX_PATH_PARTS } from '../src/limits.ts'
import { nameFault, parsePath } from '../src/paths.ts'

describe('parsePath', () => {
  it('gives the names of a path and drops slashes that name nothing', () => {
    expect(parsePath('/photos//2026/summer/')).toEqual(['photos', '2026', 'summer'])
    expect(parsePath('')).toEqual([])
    expect(parsePath('/')).toEqual([])
  })

  it('brings what was typed to normal form C', () => {
    expect(parsePath('u\u0308ber')).toEqual(['\u00fcber'])
  })

  it.each([
    ['a part ..', 'a/../b'],
    ['a part .', './a'],
    ['a NUL', 'a\0b'],
    ['a lone surrogate', 'a\ud800'],
    ['a name kept for DittoFS', 'a/.dittofs-temporary'],
    ['a name one byte too long', `${'é'.repeat(MAX_NAME_BYTES / 2)}é`],
    ['a part too many', 'a/'.repeat(MAX_PATH_PARTS + 1)],
  ])('refuses %s', (_, path) => {
    expect(() => parsePath(path)).toThrowError(expect.objectContaining({ code: 'DITTO_PATH_INVALID' }))
  })

  it('never gives a name that could leave its directory', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '\0', '\\', 'é') }), (path) => {
        let names: string[]
        try {
          names = parsePath(path)
        } catch {
          return
        }
        for (const name of names) expect(nameFault(name)).toBeUndefined()
        for (const name of names) expect(['', '.', '..']).not.toContain(name)
      }),
    )
  })
})

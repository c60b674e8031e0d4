import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IgnoreRules } from '../../src/index.ts'

function ignores(text: string, at: string): boolean {
  const isDirectory = at.endsWith('/')
  return IgnoreRules.parse(text).isIgnored(at.replace(/\/$/, '').split('/'), isDirectory)
}

describe('a .dittoignore', () => {
  it.each([
    ['*.log', 'a.log', true],
    ['*.log', 'deep/down/a.log', true],
    ['/a', 'a', true],
    ['/a', 'b/a', false],
    ['a/b', 'a/b', true],
    ['a/b', 'c/a/b', false],
    ['build/', 'build', false],
    ['build/', 'build/', true],
    ['build/', 'x/build/f', true],
    ['**/a', 'x/y/a', true],
    ['a/**', 'a/x/y', true],
    ['a/**', 'a/', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a?c', 'aüc', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[[:digit:]]', '7', true],
    ['[a', '[a', false],
    ['\\#a', '#a', true],
    ['#a', '#a', false],
    ['\\!a', '!a', true],
    ['a\\ ', 'a ', true],
    ['a  ', 'a', true],
    ['*.log\n!keep.log', 'keep.log', false],
    ['d/\n!d/keep', 'd/keep', true],
    ['a\r\nb\r\n', 'a', true],
    ['u\u0308', '\u00fc', true],
    ['A', 'a', false],
    ['/', 'a', false],
  ])('%j says of %j that it is ignored: %j', (text, at, expected) => {
    expect(ignores(text, at)).toBe(expected)
  })

  it('counts from the directory it stands in, and before one that stands higher', () => {
    const rules = IgnoreRules.of([
      { directory: [], text: '*.log\n/top' },
      { directory: ['d'], text: '!keep.log\n/here' },
    ])
    expect(rules.isIgnored(['keep.log'], false)).toBe(true)
    expect(rules.isIgnored(['d', 'keep.log'], false)).toBe(false)
    expect(rules.isIgnored(['d', 'here'], false)).toBe(true)
    expect(rules.isIgnored(['here'], false)).toBe(false)
    expect(rules.isIgnored(['d', 'top'], false)).toBe(false)
  })

  it('tells which line of which file decides', () => {
    const rules = IgnoreRules.of([{ directory: ['d'], text: '# comment\n\ntmp/' }])
    expect(rules.match(['d', 'tmp', 'f'], false)).toEqual({
      ...{ isIgnored: true, pattern: 'tmp/', file: 'd/.dittoignore', line: 3, names: ['d', 'tmp'] },
    })
    expect(rules.match(['d', 'f'], false)).toBeUndefined()
  })

  it('leaves out and tells lines over the limits', () => {
    const rules = IgnoreRules.parse(`${'a'.repeat(257)}\n**/a/**/b/**\n${'*a'.repeat(17)}\nfine`)
    expect(rules.faults.map(({ line }) => line)).toEqual([1, 2, 3])
    expect(rules.isIgnored(['fine'], false)).toBe(true)
    expect(IgnoreRules.parse('a\n'.repeat(1000)).faults).toEqual([])
    const long = IgnoreRules.parse(`${'a\n'.repeat(1000)}late`)
    expect(long.isIgnored(['late'], false)).toBe(false)
    expect(long.faults).toMatchObject([{ line: 1001 }])
  })

  it('switches off a pattern that takes too many steps, and tells it', () => {
    const rules = IgnoreRules.parse(`*${'a'.repeat(120)}b*${'a'.repeat(120)}b\n*.log`)
    expect(rules.isIgnored(['a'.repeat(255)], false)).toBe(false)
    expect(rules.faults).toMatchObject([{ line: 1, reason: expect.stringContaining('too slow') as string }])
    expect(rules.isIgnored(['a.log'], false)).toBe(true)
  })

  it('keeps quick patterns when many slow ones stand beside them', () => {
    const slow = Array.from({ length: 900 }, () => `*${'a'.repeat(120)}b*`)
    const rules = IgnoreRules.parse(['*.log', ...slow, '*.tmp'].join('\n'))
    expect(rules.isIgnored([`${'a'.repeat(250)}.log`], false)).toBe(true)
    expect(rules.isIgnored([`${'a'.repeat(250)}.tmp`], false)).toBe(true)
    expect(rules.faults.length).toBeGreaterThan(0)
    expect(rules.faults.every(({ line }) => line > 1 && line < 902)).toBe(true)
  })

  it('takes bounded time, whatever patterns and paths strangers think of', () => {
    const part = fc.constantFrom('*', '**', '/', 'a', '?', '[a-z]', '[!b]', '\\', 'aaaaaaaa', '[', ']', '!')
    const line = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''))
    const names = fc.array(fc.constantFrom('a'.repeat(255), 'a', `${'a'.repeat(254)}b`), {
      minLength: 1,
      maxLength: 16,
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 50 }), names, (lines, at) => {
        // The same lines again and again, up to the limit.
        const text = Array.from({ length: 1000 }, (_, index) => lines[index % lines.length] ?? '').join('\n')
        const rules = IgnoreRules.parse(text)
        const { user } = process.cpuUsage()
        rules.isIgnored(at, false)
        expect(process.cpuUsage().user - user).toBeLessThan(at.length * 100_000)
      }),
      { numRuns: 100 },
    )
  })

  const hasGit = spawnSync('git', ['--version']).status === 0
  it.runIf(hasGit)('says the same as git', async () => {
    const root = await temporaryDirectory()
    execFileSync('git', ['init', '-q', root])
    const names = ['a', 'b', 'ab', 'a b', '#a', '!a', '[a]', 'a]', 'a-', 'a.b']
    const paths = names.flatMap((first) => [`${first}.f`, ...names.slice(0, 5).map((second) => `${first}/${second}`)])
    for (const first of names) mkdirSync(path.join(root, first))
    for (const at of paths) writeFileSync(path.join(root, at), '')
    const part = fc.constantFrom(
      'a',
      'b',
      '*',
      '?',
      '**/',
      '/**',
      '/',
      '[ab]',
      '[!a]',
      '[]a]',
      '[a-b]',
      '.',
      '-',
      ' ',
      '\\a',
      '!',
      '#',
      '[[:alpha:]]',
      '*',
    )
    const lines = fc.array(
      fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('')),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(lines, (some) => {
        const text = some.join('\n')
        fc.pre(IgnoreRules.parse(text).faults.length === 0)
        // Within a name `**` is `*`, as git documents; what git does with it differs by version.
        fc.pre(some.every((line) => line.split('/').every((part) => !part.includes('**') || part === '**')))
        writeFileSync(path.join(root, '.gitignore'), text)
        const all = [...names, ...paths]
        const { stdout } = spawnSync('git', ['-C', root, 'check-ignore', '--no-index', '--stdin', '-z', '-v', '-n'], {
          input: all.join('\0'),
        })
        const fields = stdout.toString().split('\0')
        const byGit = all.filter((_, index) => {
          const pattern = fields[index * 4 + 2] as string
          return pattern !== '' && !pattern.startsWith('!')
        })
        const rules = IgnoreRules.parse(text)
        const byUs = all.filter((at) => rules.isIgnored(at.split('/'), names.includes(at)))
        expect(byUs).toEqual(byGit)
      }),
      { numRuns: 300 },
    )
  })
})

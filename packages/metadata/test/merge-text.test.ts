import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_MERGE_BYTES, mergeText } from '../src/merge-text.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

async function merged(base: string, ours: string, theirs: string): Promise<string | undefined> {
  const result = await mergeText(bytes(base), bytes(ours), bytes(theirs))
  return result.kind === 'merged' ? Buffer.from(result.bytes).toString() : undefined
}

/** Few lines, many of them equal, the last one with or without an end. */
const text = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '', '}', 'é', '1', '__proto__'), { maxLength: 12 }), fc.boolean())
  .map(([lines, hasEnd]) => lines.join('\n') + (hasEnd && lines.length > 0 ? '\n' : ''))

describe('merging texts', () => {
  it('takes the changes of both sides where they are apart', async () => {
    const base = 'one\ntwo\nthree\nfour\nfive\n'
    expect(await merged(base, base.replace('one', 'ONE'), base.replace('five', 'FIVE'))).toBe(
      'ONE\ntwo\nthree\nfour\nFIVE\n',
    )
    expect(await merged(base, `zero\n${base}`, base.replace('four\n', ''))).toBe('zero\none\ntwo\nthree\nfive\n')
  })

  it('takes once what both sides changed alike', async () => {
    expect(await merged('a\nb\n', 'a\nB\n', 'a\nB\n')).toBe('a\nB\n')
    expect(await merged('', 'new\n', 'new\n')).toBe('new\n')
    expect(await merged('a\nx\nb\n', 'a\nn\nx\nb\n', 'a\nn\nx\nb\n')).toBe('a\nn\nx\nb\n')
  })

  it('tells the lines that clash, each side by its name', async () => {
    const base = 'head\nmiddle\ntail\n'
    const [ours, theirs] = [base.replace('middle', 'ours'), base.replace('middle', 'theirs')]
    const clash = (first: string, second: string) => ({
      kind: 'clash',
      hunks: [{ line: 1, base: 'middle\n', ours: `${first}\n`, theirs: `${second}\n` }],
    })
    expect(await mergeText(bytes(base), bytes(ours), bytes(theirs))).toEqual(clash('ours', 'theirs'))
    expect(await mergeText(bytes(base), bytes(theirs), bytes(ours))).toEqual(clash('theirs', 'ours'))
  })

  it.each([
    ['is no UTF-8', Uint8Array.of(0x61, 0xff)],
    ['has a NUL in it', bytes('a\0')],
    ['is too large', new Uint8Array(MAX_MERGE_BYTES + 1).fill(0x61)],
  ])('does not take what %s, on any side', async (_what, bad) => {
    const good = bytes('a\n')
    for (const sides of [
      [bad, good, good],
      [good, bad, good],
      [good, good, bad],
    ] as const) {
      expect(await mergeText(...sides)).toEqual({ kind: 'unsupported' })
    }
  })

  it('keeps a byte order mark, and ends of lines as they are', async () => {
    expect(await merged('\uFEFFa\r\nb\nc', '\uFEFFA\r\nb\nc', '\uFEFFa\r\nb\nC')).toBe('\uFEFFA\r\nb\nC')
  })

  it('merges 100,000 lines, and gives up on what would take long', async () => {
    const lines = Array.from({ length: 100_000 }, (_, at) => `line ${at}`)
    const change = (at: number) => lines.map((line, position) => (position === at ? 'changed' : line)).join('\n')
    const base = lines.join('\n')
    expect(await merged(base, change(10), change(99_990))).toBe(
      lines.map((line, at) => (at === 10 || at === 99_990 ? 'changed' : line)).join('\n'),
    )
    const blank = '\n'.repeat(MAX_MERGE_BYTES / 2)
    const result = await mergeText(bytes(blank), bytes(`a${blank}`), bytes(`${blank}b`))
    expect(result).toEqual({ kind: 'unsupported' })
  })

  it('gives the same bytes whichever side is which', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, text, async (base, ours, theirs) => {
        const [one, other] = await Promise.all([
          mergeText(bytes(base), bytes(ours), bytes(theirs)),
          mergeText(bytes(base), bytes(theirs), bytes(ours)),
        ])
        if (one.kind === 'clash' && other.kind === 'clash') {
          expect(other.hunks).toEqual(one.hunks.map((hunk) => ({ ...hunk, ours: hunk.theirs, theirs: hunk.ours })))
        } else expect(other).toEqual(one)
      }),
    )
  })

  it('leaves a side as it is where the other changed nothing, or the same', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, async (base, ours) => {
        expect(await merged(base, ours, base)).toBe(ours)
        expect(await merged(base, ours, ours)).toBe(ours)
      }),
    )
  })

  it('has every line that one side added, and none that one removed', async () => {
    const line = fc.integer({ min: 0, max: 1000 })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(line, { minLength: 1, maxLength: 30 }), fc.nat(), fc.nat(), async (all, x, y) => {
        const lines = all.map((number) => `${number}`)
        const removed = lines[x % lines.length]
        const at = y % (lines.length + 1)
        const ours = lines.filter((one) => one !== removed)
        const theirs = [...lines.slice(0, at), 'added', ...lines.slice(at)]
        const join = (some: readonly string[]) => some.map((one) => `${one}\n`).join('')
        const result = await merged(join(lines), join(ours), join(theirs))
        if (result === undefined) return
        expect(result.split('\n').slice(0, -1)).toEqual(theirs.filter((one) => one !== removed))
      }),
    )
  })
})

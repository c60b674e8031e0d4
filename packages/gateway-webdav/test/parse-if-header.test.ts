import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HttpError } from '../src/http-error.ts'
import { type IfList, parseIfHeader, submittedTokens } from '../src/parse-if-header.ts'

const token = (text: string, isNot = false) => ({ isNot, kind: 'token', token: text })

describe('an If header', () => {
  it('is lists of tokens and entity tags for the URL of the request', () => {
    expect(parseIfHeader('(<urn:uuid:1> ["abc"]) (Not <urn:uuid:2> [W/"d"])')).toEqual([
      { resource: undefined, conditions: [token('urn:uuid:1'), { isNot: false, kind: 'etag', etag: '"abc"' }] },
      { resource: undefined, conditions: [token('urn:uuid:2', true), { isNot: false, kind: 'etag', etag: 'W/"d"' }] },
    ])
  })

  it('keeps a tag for all lists that follow it', () => {
    const lists = parseIfHeader('<http://h/a> (<x:1>)(<x:2>) </b> (<x:3>)')
    expect(lists.map(({ resource }) => resource)).toEqual(['http://h/a', 'http://h/a', '/b'])
  })

  it('submits every token that it names, also behind Not', () => {
    expect([...submittedTokens(parseIfHeader('(<x:1>) (Not <DAV:no-lock>)'))]).toEqual(['x:1', 'DAV:no-lock'])
  })

  it.each([
    '',
    '()',
    '(',
    ')',
    '<a:b>',
    '<a:b> <c:d> (<e:f>)',
    '(<a:b>) </x> (<c:d>)',
    '(<a b>)',
    '(["a)',
    '(Not)',
    '(Not Not <a:b>)',
    '(<a:b>) x',
    'Not (<a:b>)',
    '([abc])',
    '(Notable <a:b>)',
  ])('is refused as %j', (header) => {
    expect(() => parseIfHeader(header)).toThrow(HttpError)
  })

  it('is refused with more conditions than anybody needs', () => {
    expect(() => parseIfHeader(`(${'<a:b>'.repeat(65)})`)).toThrow(HttpError)
  })

  it('is lists or a refusal, whatever the bytes', () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      '<',
      '>',
      '[',
      ']',
      '"',
      'Not',
      ' ',
      '\t',
      'W/',
      '<a:b>',
      '["e"]',
      '\0',
      'é',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 60 }).map((all) => all.join('')),
        ),
        (header) => {
          let lists: readonly IfList[]
          try {
            lists = parseIfHeader(header)
          } catch (error) {
            expect(error).toBeInstanceOf(HttpError)
            return
          }
          expect(lists.length).toBeGreaterThan(0)
          for (const { conditions } of lists) expect(conditions.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('is read in time that grows with its length alone', () => {
    const start = process.cpuUsage()
    for (const piece of ['(', '<', ' ', '"', '["', 'Not ', '(<a:b>', '<a:b> ']) {
      expect(() => parseIfHeader(piece.repeat(32 * 1024))).toThrow(HttpError)
    }
    // Of the processor, in microseconds: what else runs on the machine does not count.
    expect(process.cpuUsage(start).user).toBeLessThan(2_000_000)
  })
})

import { isDittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HttpError } from '../src/http-error.ts'
import { parseDestination } from '../src/parse-destination.ts'
import { formatHref, parseRequestPath } from '../src/request-path.ts'

const isRefusal = (error: unknown) => error instanceof HttpError || isDittoError(error, 'DITTO_PATH_INVALID')

describe('the URL of a request', () => {
  it('is an export and names below it', () => {
    expect(parseRequestPath('/space//a%20b/%C3%BC/?x=1')).toEqual({ exportName: 'space', names: ['a b', 'ü'] })
    expect(parseRequestPath('/')).toEqual({ exportName: undefined, names: [] })
  })

  it('names a file in the one normal form, whatever a Mac sends', () => {
    expect(parseRequestPath('/s/u%CC%88')).toEqual({ exportName: 's', names: ['ü'] })
  })

  it.each([
    '',
    'a',
    '/a#b',
    '/a/%',
    '/a/%zz',
    '/a/%2e%2e/b',
    '/a/../b',
    '/a/./b',
    '/a/b%2Fc',
    '/a/b%00',
    '/a/%ff',
    '/s/.dittofs',
  ])('is refused as %j', (target) => {
    expect(() => parseRequestPath(target)).toThrow(expect.toSatisfy(isRefusal) as Error)
  })

  it('is the same again after it was written into an answer', () => {
    const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 4 }), (exportName, names) => {
        const path = { exportName, names }
        let parsed: unknown
        try {
          parsed = parseRequestPath(formatHref(path, true))
        } catch (error) {
          expect(isRefusal(error)).toBe(true)
          return
        }
        const normal = [exportName, ...names].map((one) => one.normalize('NFC')).filter((one) => one !== '')
        if (normal.length === names.length + 1 && !normal.includes('.') && !exportName.includes('/')) {
          expect(parsed).toEqual({ exportName: normal[0], names: normal.slice(1) })
        }
      }),
    )
  })
})

describe('a Destination', () => {
  it('is a path, or a URL of the server that is asked', () => {
    const path = { exportName: 's', names: ['b c'] }
    expect(parseDestination('/s/b%20c', 'h:80')).toEqual(path)
    expect(parseDestination('http://H/s/b%20c', 'h:80')).toEqual(path)
    expect(parseDestination('https://h:8443/s/b%20c', 'h:8443')).toEqual(path)
  })

  it.each(['http://other/s/b', 'http://h:81/s/b', 'http://h.evil/s/b', 'http://[::1]/s'])(
    'elsewhere is refused: %j',
    (url) => {
      expect(() => parseDestination(url, 'h')).toThrow(expect.objectContaining({ status: 502 }) as Error)
    },
  )

  it.each([
    '',
    's/b',
    '//h/s/b',
    'ftp://h/s',
    'http://u@h/s',
    'http://h/s#x',
    'http:///s',
    'http://h/s b',
    'http://h/a/../b',
  ])('is refused as %j', (url) => {
    expect(() => parseDestination(url, 'h')).toThrow(expect.toSatisfy(isRefusal) as Error)
  })

  it('is names that a space can hold or a refusal, whatever the text', () => {
    const piece = fc.constantFrom(
      'http://',
      'h',
      '/',
      '..',
      '.',
      '%2e',
      '%2F',
      '%00',
      '#',
      '?',
      '@',
      ':',
      'é',
      '%C3%A9',
      '\\',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 30 }).map((all) => all.join('')),
        ),
        (url) => {
          try {
            const { names } = parseDestination(url, 'h')
            for (const name of names) expect(name).not.toMatch(/^\.{0,2}$|[/\0]/)
          } catch (error) {
            expect(isRefusal(error)).toBe(true)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HttpError } from '../src/http-error.ts'
import { serializeElement, textOf } from '../src/xml-element.ts'
import { parseXml } from '../src/xml-parser.ts'

const parse = (text: string) => parseXml(Buffer.from(text))

describe('an XML body', () => {
  it('is read with its namespaces, languages and text', () => {
    const root = parse(
      '<?xml version="1.0"?><D:a xmlns:D="DAV:" xml:lang="de"><b xmlns="x:y" D:c="1">t<![CDATA[<u>]]>&amp;</b></D:a>',
    )
    expect(root).toMatchObject({ namespace: 'DAV:', name: 'a', language: 'de' })
    const [b] = root.children
    expect(b).toMatchObject({ namespace: 'x:y', name: 'b', language: 'de', children: ['t<u>&'] })
    expect(textOf(root)).toBe('t<u>&')
  })

  it('may be UTF-16 with a byte order mark', () => {
    expect(parseXml(Buffer.from('\ufeff<a>ü</a>', 'utf16le')).children).toEqual(['ü'])
    expect(parseXml(Buffer.from('\ufeff<a>ü</a>', 'utf16le').swap16()).children).toEqual(['ü'])
  })

  it.each([
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['an external document type', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['an entity that XML does not have', '<a>&b;</a>'],
    ['an undeclared prefix', '<b:a/>'],
    ['a prefix bound to nothing', '<a xmlns:b=""/>'],
    ['the same attribute twice', '<a xmlns:b="x" xmlns:c="x" b:d="" c:d=""/>'],
    ['an open end', '<a><b></a>'],
    ['two roots', '<a/><b/>'],
    ['nothing', ''],
    ['text', 'hello'],
    ['too deep an element', `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`],
    ['too many elements', `<a>${'<b/>'.repeat(4096)}</a>`],
    ['too many attributes', `<a ${Array.from({ length: 4097 }, (_, index) => `b${index}=""`).join(' ')}/>`],
  ])('is refused with %s', (_what, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ status: 400 }) as Error)
  })

  it('is refused when its characters are not UTF-8', () => {
    expect(() => parseXml(Uint8Array.of(0x3c, 0x61, 0x3e, 0xff))).toThrow(HttpError)
  })

  it('is an element or a refusal, whatever the bytes', () => {
    const piece = fc.constantFrom(
      '<a',
      '>',
      '/>',
      '</a>',
      '<b:c',
      ' xmlns:b="x"',
      ' d="&#0;"',
      '&lt;',
      '&x;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?p ?>',
      '<!DOCTYPE',
      't',
      '\0',
      '\ud800',
    )
    const text = fc.array(piece, { maxLength: 40 }).map((all) => Buffer.from(all.join('')))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), text), (bytes) => {
        try {
          expect(parseXml(bytes).name).not.toBe('')
        } catch (error) {
          expect(error).toBeInstanceOf(HttpError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a property that is kept as XML', () => {
  it.each([
    '<p:a xmlns:p="x:y" p:b="1" c="2"><p:d/>t<e xmlns="z:z"/></p:a>',
    '<a xmlns=""><b xmlns="x:y"><c xmlns=""/></b></a>',
    '<a xmlns="x:y" xml:lang="en">&lt;&amp;\u{10000}</a>',
  ])('means the same between other elements: %s', (xml) => {
    const original = parse(xml)
    const kept = serializeElement(original)
    const [again] = parse(`<D:prop xmlns:D="DAV:" xmlns="other:">${kept}</D:prop>`).children
    expect(again).toEqual(original)
  })

  it('says in which language it is when an element around it did', () => {
    const [inner] = parse('<a xml:lang="fr"><b/></a>').children
    expect(serializeElement(inner as Exclude<typeof inner, string | undefined>)).toBe('<b xmlns="" xml:lang="fr"/>')
  })
})

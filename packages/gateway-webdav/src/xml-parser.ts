import { SaxesParser } from 'saxes'
import { HttpError } from './http-error.ts'
import { MAX_XML_DEPTH, MAX_XML_NODES } from './limits.ts'
import type { XmlAttribute, XmlElement } from './xml-element.ts'

const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/'

interface OpenElement extends XmlElement {
  readonly children: (OpenElement | string)[]
}

/**
 * The root element of an XML body, with namespaces resolved. A document type declaration is refused, and so is every
 * entity that XML does not define itself: nothing outside the body is looked at and nothing in it can multiply.
 *
 * @param bytes - UTF-8, or UTF-16 with a byte order mark
 * @throws HttpError 400: not well-formed, not namespace-well-formed, or past MAX_XML_DEPTH or MAX_XML_NODES
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const open: OpenElement[] = []
  let root: OpenElement | undefined
  let nodes = 0
  const addText = (text: string) => {
    const children = open.at(-1)?.children
    if (children === undefined || text === '') return
    // Text and CDATA next to each other are one text.
    const last = children.at(-1)
    if (typeof last === 'string') children[children.length - 1] = last + text
    else children.push(text)
  }
  parser.on('error', (error) => {
    throw refused(error.message)
  })
  parser.on('doctype', () => {
    throw refused('a document type declaration is not allowed')
  })
  const count = () => {
    nodes += 1
    if (nodes > MAX_XML_NODES) throw refused('it has too many elements and attributes')
  }
  parser.on('attribute', count)
  parser.on('opentag', (tag) => {
    count()
    if (open.length >= MAX_XML_DEPTH) throw refused('its elements are nested too deep')
    const attributes = Object.values(tag.attributes)
      .filter((one) => one.uri !== XMLNS_NAMESPACE)
      .map((one): XmlAttribute => ({ namespace: one.uri, prefix: one.prefix, name: one.local, value: one.value }))
    const language = attributes.find((one) => one.prefix === 'xml' && one.name === 'lang')?.value
    const element: OpenElement = {
      namespace: tag.uri,
      prefix: tag.prefix,
      name: tag.local,
      language: language ?? open.at(-1)?.language ?? '',
      attributes,
      children: [],
    }
    if (open.length === 0) root = element
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(decode(bytes)).close()
  if (root === undefined) throw refused('it has no element')
  return root
}

function decode(bytes: Uint8Array): string {
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe
  const isBig = bytes[0] === 0xfe && bytes[1] === 0xff
  try {
    return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refused('its characters are neither UTF-8 nor UTF-16')
  }
}

function refused(fault: string): HttpError {
  return new HttpError(400, `The XML of the request cannot be used: ${fault}.`)
}

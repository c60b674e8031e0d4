import { escapeAttribute, escapeText } from './xml-escape.ts'

export interface XmlAttribute {
  readonly namespace: string
  readonly prefix: string
  readonly name: string
  readonly value: string
}

/** An element of an XML body. Depth and number are bounded by the parser. */
export interface XmlElement {
  readonly namespace: string
  readonly prefix: string
  readonly name: string
  /** `xml:lang` in scope: its own or that of the nearest element around it; `''` where none is given. */
  readonly language: string
  /** Without declarations of namespaces. */
  readonly attributes: readonly XmlAttribute[]
  readonly children: readonly (XmlElement | string)[]
}

export const DAV_NAMESPACE = 'DAV:'
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'

/** The elements directly in `element`. */
export function childElements(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string')
}

/** The first element of the name in the namespace `DAV:` directly in `element`. */
export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return childElements(element).find((child) => isDav(child, name))
}

export function isDav(element: XmlElement, name: string): boolean {
  return element.namespace === DAV_NAMESPACE && element.name === name
}

/** All text in an element and below, in order. */
export function textOf(element: XmlElement): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('')
}

/**
 * The element as XML that can be put anywhere: it declares every prefix it uses, and keeps the ones it came with, for
 * values in which a prefix has a meaning (RFC 4918 4.3).
 */
export function serializeElement(element: XmlElement): string {
  const inherited = element.language
  const hasOwn = element.attributes.some((one) => one.namespace === XML_NAMESPACE && one.name === 'lang')
  return serialize(element, new Map(), hasOwn || inherited === '' ? '' : ` xml:lang="${escapeAttribute(inherited)}"`)
}

function serialize(element: XmlElement, outer: ReadonlyMap<string, string>, extra: string): string {
  const scope = new Map(outer)
  let declarations = ''
  const declare = (prefix: string, namespace: string) => {
    if ((scope.get(prefix) ?? '') === namespace) return
    scope.set(prefix, namespace)
    declarations += ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(namespace)}"`
  }
  // Around it stands XML of ours: also that an element has no namespace must be said once.
  if (outer.size === 0 && element.prefix === '' && element.namespace === '') {
    declarations += ' xmlns=""'
    scope.set('', '')
  } else declare(element.prefix, element.namespace)
  let attributes = extra
  for (const attribute of element.attributes) {
    if (attribute.prefix !== '' && attribute.prefix !== 'xml') declare(attribute.prefix, attribute.namespace)
    const name = attribute.prefix === '' ? attribute.name : `${attribute.prefix}:${attribute.name}`
    attributes += ` ${name}="${escapeAttribute(attribute.value)}"`
  }
  const name = element.prefix === '' ? element.name : `${element.prefix}:${element.name}`
  if (element.children.length === 0) return `<${name}${declarations}${attributes}/>`
  const inner = element.children.map((child) =>
    typeof child === 'string' ? escapeText(child) : serialize(child, scope, ''),
  )
  return `<${name}${declarations}${attributes}>${inner.join('')}</${name}>`
}

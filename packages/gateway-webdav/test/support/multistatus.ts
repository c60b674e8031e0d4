import { childElements, davChild, textOf, type XmlElement } from '../../src/xml-element.ts'
import { parseXml } from '../../src/xml-parser.ts'

/** One response of a 207: property elements by status and name, or the status of the whole. */
export interface ParsedResponse {
  readonly href: string
  readonly status: number | undefined
  readonly properties: Readonly<Record<number, ReadonlyMap<string, XmlElement>>>
}

/** Reads a multistatus with the parser of the bodies: what it writes must be good for a strict reader. */
export function parseMultistatus(text: string): ParsedResponse[] {
  return childElements(parseXml(Buffer.from(text))).map((response) => {
    const properties: Record<number, Map<string, XmlElement>> = {}
    for (const part of childElements(response).filter(({ name }) => name === 'propstat')) {
      const elements = childElements(davChild(part, 'prop') as XmlElement)
      properties[statusOf(part) as number] = new Map(elements.map((one) => [one.name, one]))
    }
    return { href: textOf(davChild(response, 'href') as XmlElement), status: statusOf(response), properties }
  })
}

function statusOf(element: XmlElement): number | undefined {
  const status = davChild(element, 'status')
  return status === undefined ? undefined : Number(textOf(status).split(' ')[1])
}

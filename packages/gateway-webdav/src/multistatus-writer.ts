import { type ServerResponse, STATUS_CODES } from 'node:http'
import { ResponseWriter } from './response-writer.ts'
import { DAV_NAMESPACE } from './xml-element.ts'
import { escapeAttribute, escapeText } from './xml-escape.ts'

export const XML_TYPE = 'application/xml; charset=utf-8'
const XML_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'

/** Properties, as elements, that share a status. */
export interface PropertyStatus {
  readonly status: number
  readonly elements: readonly string[]
  /** A precondition that failed, by its name in `DAV:`. */
  readonly condition?: string
}

/** Streams a 207 (RFC 4918 13), response by response, no faster than the client reads. */
export class MultistatusWriter {
  readonly #response: ServerResponse
  readonly #writer: ResponseWriter

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response
    this.#writer = new ResponseWriter(response, signal)
  }

  async start(): Promise<void> {
    // Not sent yet: an answer that is whole before anything of it went out gets its length as a header.
    this.#response.statusCode = 207
    this.#response.setHeader('Content-Type', XML_TYPE)
    await this.#writer.text(`${XML_HEAD}<D:multistatus xmlns:D="DAV:">\n`)
  }

  /** @returns what to wait for before the next one, where the client has to read first */
  properties(href: string, statuses: readonly PropertyStatus[]): Promise<void> | undefined {
    let parts = ''
    for (const { status, elements, condition } of statuses) {
      const error = condition === undefined ? '' : `<D:error><D:${condition}/></D:error>`
      parts += `<D:propstat><D:prop>${elements.join('')}</D:prop>${statusElement(status)}${error}</D:propstat>`
    }
    return this.#writer.text(`<D:response>${hrefElement(href)}${parts}</D:response>\n`)
  }

  async status(href: string, status: number, condition?: string): Promise<void> {
    const error = condition === undefined ? '' : `<D:error><D:${condition}/></D:error>`
    await this.#writer.text(`<D:response>${hrefElement(href)}${statusElement(status)}${error}</D:response>\n`)
  }

  async end(): Promise<void> {
    await this.#writer.text('</D:multistatus>\n')
    await this.#writer.end()
  }
}

export function xmlDocument(element: string): string {
  return `${XML_HEAD}${element}\n`
}

/** A URL path is percent-encoded: of what XML cares for only `&` may be left. */
export function hrefElement(href: string): string {
  return `<D:href>${escapeText(href)}</D:href>`
}

/** An element of any namespace with ready XML in it. `D` must be bound to `DAV:` around it. */
export function propertyElement(namespace: string, name: string, inner: string): string {
  const [open, close] =
    namespace === DAV_NAMESPACE ? [`D:${name}`, `D:${name}`] : [`${name} xmlns="${escapeAttribute(namespace)}"`, name]
  return inner === '' ? `<${open}/>` : `<${open}>${inner}</${close}>`
}

function statusElement(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}</D:status>`
}

import { parseXml } from '../xml-parser.ts'
import { needsStatistics, type PropertyFinder, propertyFinder } from './find-properties.ts'
import { parsePropfind } from './propfind-request.ts'

/** What a PROPFIND asks for, ready to be answered. */
export interface WantedProperties {
  readonly find: PropertyFinder
  /** Whether the answer needs what a volume tells of its disk. */
  readonly needsStatistics: boolean
}

/** Bodies kept, and the longest of them: together at most some hundred KiB. */
const MAX_KEPT = 64
const MAX_KEPT_BYTES = 1024

/** Reads bodies of PROPFIND. A client sends the same few over and over: those are parsed once. */
export class WantedPropertiesReader {
  /** By the bytes of the body, each a character. The one used last at the end. */
  readonly #kept = new Map<string, WantedProperties>()

  /**
   * @param body - `undefined`: none was sent, which asks for all
   * @throws HttpError 400: no XML, or not what RFC 4918 14.20 says
   */
  read(body: Buffer | undefined): WantedProperties {
    if (body !== undefined && body.length > MAX_KEPT_BYTES) return parse(body)
    const key = body?.toString('latin1') ?? ''
    const wanted = this.#kept.get(key) ?? parse(body)
    this.#kept.delete(key)
    this.#kept.set(key, wanted)
    if (this.#kept.size > MAX_KEPT) {
      const [oldest = ''] = this.#kept.keys()
      this.#kept.delete(oldest)
    }
    return wanted
  }
}

function parse(body: Buffer | undefined): WantedProperties {
  const request = parsePropfind(body === undefined ? undefined : parseXml(body))
  return { find: propertyFinder(request), needsStatistics: needsStatistics(request) }
}

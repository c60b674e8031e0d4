import { randomBytes } from 'node:crypto'
import type { VolumeEntry } from '@dittofs/interface'
import { representation } from '../checks.ts'
import { contentType } from '../content-type.ts'
import { entityTag } from '../entity-tag.ts'
import { evaluateConditions, isRangeWanted, type Representation } from '../evaluate-conditions.ts'
import { type Exchange, reply } from '../exchange.ts'
import { FileChangedError, readRange } from '../file-reader.ts'
import { formatHttpDate } from '../http-date.ts'
import { HttpError } from '../http-error.ts'
import { type ByteRange, parseRanges } from '../parse-ranges.ts'
import { findResource, type Resource } from '../resource.ts'
import { ResponseWriter } from '../response-writer.ts'
import { sendListing } from './listing-page.ts'

/** How often a file is looked at again that changes before its first byte went out. */
const ATTEMPTS = 5

/** GET and HEAD: a file, ranges of it, or a page that lists a directory. */
export async function get(exchange: Exchange): Promise<void> {
  const { served } = exchange
  if (served === undefined) return sendListing(exchange, undefined)
  for (let attempt = 1; ; attempt += 1) {
    const found = await findResource(served, exchange.path)
    const { entry } = found
    if (entry === undefined) throw new HttpError(404, 'There is nothing at this URL.')
    if (entry.attributes.kind === 'directory') return sendListing(exchange, found)
    try {
      return await sendFile(exchange, found, entry)
    } catch (error) {
      if (!(error instanceof FileChangedError) || exchange.response.headersSent || attempt === ATTEMPTS) throw error
    }
  }
}

/** A file of a space may be a page with a script by somebody else: it must not act in the name of who opens it. */
const FILE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'private, no-cache',
  'Accept-Ranges': 'bytes',
} as const

async function sendFile(exchange: Exchange, found: Resource, before: VolumeEntry): Promise<void> {
  const { request, response, served, method, signal, state } = exchange
  const { handle } = before
  const { volume } = served as NonNullable<typeof served>
  const wasWritten = await state.gate.whenFree(handle)
  const attributes = wasWritten ? await volume.attributes(handle) : before.attributes
  const { size, changeTag } = attributes
  const current = representation({ ...found, entry: { handle, attributes } }) as Representation
  const headers: Record<string, string> = {
    ...FILE_HEADERS,
    ETag: entityTag(attributes),
    'Last-Modified': formatHttpDate(attributes.mtimeNs),
  }
  const status = evaluateConditions(request.headers, current, true)
  if (status === 304) return reply(exchange, 304, headers)
  if (status !== undefined) throw new HttpError(status, 'The conditions of the request are not met.')

  const rangeHeader = method === 'GET' ? request.headers.range : undefined
  const isWanted = rangeHeader !== undefined && isRangeWanted(ifRange(exchange), current)
  const ranges = isWanted ? parseRanges(rangeHeader, size) : undefined
  if (ranges?.length === 0) {
    const init = { headers: { 'Content-Range': `bytes */${size}` } }
    throw new HttpError(416, 'The file has no such range.', init)
  }
  const plan = planBody(ranges, size, contentType(found.name))
  Object.assign(headers, plan.headers)
  if (method === 'HEAD') {
    response.writeHead(plan.status, headers)
    response.end()
    return
  }
  const writer = new ResponseWriter(response, signal)
  const start = () => {
    if (!response.headersSent) response.writeHead(plan.status, headers)
  }
  for (const part of plan.parts) {
    if (part.head !== '') {
      start()
      await writer.pieces([Buffer.from(part.head)])
    }
    if (part.range === undefined) continue
    // The first bytes are there before the status goes out: what cannot be read is then told as such.
    for await (const pieces of readRange({ volume, handle, changeTag, signal }, part.range)) {
      start()
      await writer.pieces(pieces)
    }
  }
  start()
  response.end()
}

interface BodyPlan {
  readonly status: 200 | 206
  readonly headers: Readonly<Record<string, string>>
  readonly parts: readonly { readonly head: string; readonly range: ByteRange | undefined }[]
}

function planBody(ranges: readonly ByteRange[] | undefined, size: number, type: string): BodyPlan {
  const [first] = ranges ?? []
  if (ranges === undefined || first === undefined) {
    const range = size === 0 ? undefined : { start: 0, end: size - 1 }
    return {
      status: 200,
      headers: { 'Content-Type': type, 'Content-Length': String(size) },
      parts: [{ head: '', range }],
    }
  }
  if (ranges.length === 1) {
    const headers = {
      'Content-Type': type,
      'Content-Range': contentRange(first, size),
      'Content-Length': String(first.end - first.start + 1),
    }
    return { status: 206, headers, parts: [{ head: '', range: first }] }
  }
  // RFC 9110 14.6. Nobody who can choose a file's bytes knows the boundary.
  const boundary = `dittofs-${randomBytes(16).toString('hex')}`
  const parts: { head: string; range: ByteRange | undefined }[] = ranges.map((range, index) => ({
    head: `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
    range,
  }))
  parts.push({ head: `\r\n--${boundary}--\r\n`, range: undefined })
  const length = parts.reduce(
    (sum, { head, range }) => sum + Buffer.byteLength(head) + (range === undefined ? 0 : range.end - range.start + 1),
    0,
  )
  const headers = { 'Content-Type': `multipart/byteranges; boundary=${boundary}`, 'Content-Length': String(length) }
  return { status: 206, headers, parts }
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`
}

function ifRange({ request }: Exchange): string | undefined {
  const header = request.headers['if-range']
  return Array.isArray(header) ? header[0] : header
}

import type { IncomingHttpHeaders } from 'node:http'
import { isStrongMatch, isWeakMatch, parseEntityTags } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'

/** What is there now. `etag` of a directory is `undefined`: HTTP gives it none. */
export interface Representation {
  readonly etag: string | undefined
  /** Milliseconds since the Unix epoch. */
  readonly modifiedMs: number
}

/**
 * The conditional headers of a request, in the order of RFC 9110 13.2.2.
 *
 * @param current - `undefined`: nothing is there
 * @param isRead - whether the method is GET or HEAD
 * @returns the status to answer with, or `undefined`: go on
 */
export function evaluateConditions(
  headers: IncomingHttpHeaders,
  current: Representation | undefined,
  isRead: boolean,
): 304 | 400 | 412 | undefined {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined) {
    const tags = parseEntityTags(ifMatch)
    if (tags === undefined) return 400
    if (!matches(tags, current, isStrongMatch)) return 412
  } else {
    const since = dateOf(headers['if-unmodified-since'])
    if (since !== undefined && current !== undefined && wholeSeconds(current) > since) return 412
  }
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) {
    const tags = parseEntityTags(ifNoneMatch)
    if (tags === undefined) return 400
    if (matches(tags, current, isWeakMatch)) return isRead ? 304 : 412
  } else if (isRead) {
    const since = dateOf(headers['if-modified-since'])
    if (since !== undefined && current !== undefined && wholeSeconds(current) <= since) return 304
  }
  return undefined
}

/** Whether a `Range` header counts: `If-Range` names what is there, or there is none (RFC 9110 13.1.5). */
export function isRangeWanted(ifRange: string | undefined, current: Representation): boolean {
  if (ifRange === undefined) return true
  const tags = parseEntityTags(ifRange)
  if (tags !== undefined && tags !== '*') {
    return tags.length === 1 && current.etag !== undefined && isStrongMatch(tags[0] as string, current.etag)
  }
  return parseHttpDate(ifRange) === wholeSeconds(current)
}

function matches(
  tags: readonly string[] | '*',
  current: Representation | undefined,
  isMatch: (one: string, other: string) => boolean,
): boolean {
  if (current === undefined) return false
  if (tags === '*') return true
  const { etag } = current
  return etag !== undefined && tags.some((tag) => isMatch(tag, etag))
}

function dateOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : parseHttpDate(header)
}

/** HTTP dates know no fractions. */
function wholeSeconds(current: Representation): number {
  return Math.floor(current.modifiedMs / 1000) * 1000
}

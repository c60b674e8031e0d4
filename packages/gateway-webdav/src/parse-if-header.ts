import { HttpError } from './http-error.ts'
import { MAX_IF_CONDITIONS } from './limits.ts'

/** One condition of an `If` header: what the resource must have, or with `Not` must not have. */
export type IfCondition = { readonly isNot: boolean } & (
  | { readonly kind: 'token'; readonly token: string }
  /** With its quotes, and `W/` where it is weak. */
  | { readonly kind: 'etag'; readonly etag: string }
)

/** Conditions that must all hold, for the resource of the request or for the tagged one. */
export interface IfList {
  /** The URL of a tagged list as it was written; `undefined`: that of the request. */
  readonly resource: string | undefined
  readonly conditions: readonly IfCondition[]
}

const SPACE = /[ \t]*/y
const CODED_URL = /<([^<>\s"]+)>/y
const NOT = /Not(?![a-z])/iy
const ETAG = /\[((?:W\/)?"[^"]*")\]/y

/**
 * The lists of an `If` header (RFC 4918 10.4). One of them must hold.
 *
 * @throws HttpError 400: not of the grammar, or more than MAX_IF_CONDITIONS
 */
export function parseIfHeader(header: string): IfList[] {
  const lists: IfList[] = []
  let position = 0
  let resource: string | undefined
  let isTagged: boolean | undefined
  let conditionsLeft = MAX_IF_CONDITIONS
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    SPACE.lastIndex = position
    SPACE.exec(header)
    pattern.lastIndex = SPACE.lastIndex
    const found = pattern.exec(header)
    if (found === null) return undefined
    position = pattern.lastIndex
    return found
  }
  const readList = (): IfList => {
    const conditions: IfCondition[] = []
    while (take(/\)/y) === undefined) {
      conditionsLeft -= 1
      if (conditionsLeft < 0) throw refused()
      const isNot = take(NOT) !== undefined
      const token = take(CODED_URL)
      const etag = token === undefined ? take(ETAG) : undefined
      if (token !== undefined) conditions.push({ isNot, kind: 'token', token: token[1] as string })
      else if (etag !== undefined) conditions.push({ isNot, kind: 'etag', etag: etag[1] as string })
      else throw refused()
    }
    if (conditions.length === 0) throw refused()
    return { resource, conditions }
  }
  while (take(/$/y) === undefined) {
    const tag = take(CODED_URL)
    // Either every list is tagged or none is; a tag has at least one list.
    if (tag !== undefined) {
      if (isTagged === false) throw refused()
      isTagged = true
      resource = tag[1]
      if (take(/\(/y) === undefined) throw refused()
    } else {
      if (take(/\(/y) === undefined) throw refused()
      isTagged ??= false
    }
    lists.push(readList())
  }
  if (lists.length === 0) throw refused()
  return lists
}

/** All tokens that an `If` header names, whatever it says of them: naming one is submitting it (RFC 4918 6.5). */
export function submittedTokens(lists: readonly IfList[]): Set<string> {
  const tokens = new Set<string>()
  for (const { conditions } of lists) {
    for (const condition of conditions) if (condition.kind === 'token') tokens.add(condition.token)
  }
  return tokens
}

function refused(): HttpError {
  return new HttpError(400, 'The If header of the request cannot be read.')
}

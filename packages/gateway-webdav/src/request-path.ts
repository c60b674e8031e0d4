import { parsePath } from '@dittofs/interface'
import { HttpError } from './http-error.ts'

/** What a request's URL names: an export and names below it; `exportName` `undefined` is the list of the exports. */
export interface RequestPath {
  readonly exportName: string | undefined
  readonly names: readonly string[]
}

/**
 * @param target - the path of a request or a Destination, percent-encoded; a query is dropped
 * @throws HttpError 400: no absolute path, a fragment, a bad escape, a slash or NUL within a name;
 *   DittoError DITTO_PATH_INVALID: a name that a space cannot hold, `..` among them, or too long
 */
export function parseRequestPath(target: string): RequestPath {
  const [encoded = ''] = target.split('?', 1)
  if (!encoded.startsWith('/') || encoded.includes('#')) throw refused()
  const parts = encoded.split('/').filter((part) => part !== '')
  const decoded = parts.map(decodePart)
  const [first, ...rest] = decoded
  if (first === undefined) return { exportName: undefined, names: [] }
  // macOS sends some names decomposed: a space holds them composed.
  return { exportName: first.normalize('NFC'), names: parsePath(rest.join('/')) }
}

function decodePart(part: string): string {
  let name: string
  try {
    name = decodeURIComponent(part)
  } catch {
    throw refused()
  }
  if (name.includes('/') || name.includes('\0')) throw refused()
  return name
}

/** The URL path of a resource; a directory's ends with `/`. */
export function formatHref(path: RequestPath, isDirectory: boolean): string {
  if (path.exportName === undefined) return '/'
  return `/${[path.exportName, ...path.names].map(encodeName).join('/')}${isDirectory ? '/' : ''}`
}

/** A name as a part of a URL: everything but RFC 3986 unreserved characters escaped. */
export function encodeName(name: string): string {
  if (/^[\w.~-]*$/.test(name)) return name
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function refused(): HttpError {
  return new HttpError(400, 'The URL of the request cannot be used.')
}

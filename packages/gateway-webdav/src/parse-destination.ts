import { HttpError } from './http-error.ts'
import { parseRequestPath, type RequestPath } from './request-path.ts'

const MAX_URL_CHARACTERS = 16 * 1024

/**
 * Where a COPY or MOVE goes, or what a tagged list of an `If` header speaks of: a path, or a URL of this server. The
 * scheme is not compared: behind a proxy that ends TLS it differs.
 *
 * @param host - the `Host` header of the request
 * @throws HttpError 400: no URL of this kind; 502: of another server; and what `parseRequestPath` throws
 */
export function parseDestination(url: string, host: string | undefined): RequestPath {
  if (url.length > MAX_URL_CHARACTERS) throw refused()
  if (url.startsWith('/') && !url.startsWith('//')) return parseRequestPath(url)
  const found = /^https?:\/\/([^/?#\s@]+)(\/[^\s]*)?$/i.exec(url)
  if (found === null) throw refused()
  if (host === undefined || withoutDefaultPort(found[1] as string) !== withoutDefaultPort(host)) {
    throw new HttpError(502, 'The destination is on another server.')
  }
  return parseRequestPath(found[2] ?? '/')
}

function withoutDefaultPort(authority: string): string {
  return authority.toLowerCase().replace(/:(80|443)?$/, '')
}

function refused(): HttpError {
  return new HttpError(400, 'The destination of the request cannot be used.')
}

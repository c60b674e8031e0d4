import { isIP } from 'node:net'
import { HttpError } from './http-error.ts'

/**
 * Refuses what a web page of somebody else made a browser send. A page whose own name is pointed at this machine (DNS
 * rebinding) comes with that name as `Host`: without credentials only addresses, `localhost` and names that were
 * configured are answered. A page elsewhere comes with another `Origin`.
 *
 * @throws HttpError 400: no usable Host; 403; 421: a Host that is not ours
 */
export function checkHost(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  options: { readonly isAuthenticated: boolean; readonly hostNames: readonly string[] },
): void {
  const host = hostName(headers.host ?? '')
  if (host === undefined) throw new HttpError(400, 'The request does not say which host it is for.')
  if (headers.origin !== undefined && originAuthority(headers.origin) !== (headers.host ?? '').toLowerCase()) {
    throw new HttpError(403, 'Pages of other sites may not use this.')
  }
  if (options.isAuthenticated || host === 'localhost' || isIP(host) !== 0) return
  if (options.hostNames.some((name) => name.toLowerCase() === host)) return
  throw new HttpError(421, 'This server is not known by that name: use its address, or configure the name.')
}

function hostName(host: string): string | undefined {
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host)
  return (found?.[1] ?? found?.[2])?.toLowerCase()
}

function originAuthority(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase()
}

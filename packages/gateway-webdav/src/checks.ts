import { entityTag } from './entity-tag.ts'
import { evaluateConditions, type Representation } from './evaluate-conditions.ts'
import type { Exchange } from './exchange.ts'
import { HttpError } from './http-error.ts'
import { findResource, type Resource } from './resource.ts'
import type { ServedVolume } from './served-volume.ts'

/** What the request names. @throws HttpError 403: the list of exports, which is nobody's to change */
export async function requestedResource(exchange: Exchange): Promise<Resource> {
  return findResource(changeable(exchange.served), exchange.path)
}

/** @throws HttpError 403: nothing may be changed there */
export function changeable(served: ServedVolume | undefined): ServedVolume {
  if (served === undefined) throw new HttpError(403, 'Here stand the spaces that are served: go into one of them.')
  if (served.isReadOnly) throw new HttpError(403, 'This space may only be read here.')
  return served
}

export function representation({ entry }: Resource): Representation | undefined {
  if (entry === undefined) return undefined
  const { attributes } = entry
  return {
    etag: attributes.kind === 'directory' ? undefined : entityTag(attributes),
    modifiedMs: Number(attributes.mtimeNs / 1_000_000n),
  }
}

/** The conditional headers of a request that changes something. @throws HttpError 400 or 412 */
export function checkConditions({ request }: Exchange, resource: Resource): void {
  const status = evaluateConditions(request.headers, representation(resource), false)
  if (status !== undefined) throw new HttpError(status, 'The conditions of the request are not met.')
}

/** @throws HttpError 400: no depth, or not one of `allowed` */
export function depthOf<D extends '0' | '1' | 'infinity'>(
  { request }: Exchange,
  allowed: readonly D[],
  whenAbsent: D,
): D {
  const header = request.headers.depth
  if (header === undefined) return whenAbsent
  const depth = allowed.find((one) => one === String(header).trim().toLowerCase())
  if (depth === undefined) throw new HttpError(400, `The Depth of the request must be ${allowed.join(' or ')}.`)
  return depth
}

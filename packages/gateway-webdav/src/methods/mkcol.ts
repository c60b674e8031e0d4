import { isDittoError } from '@dittofs/interface'
import { checkConditions, requestedResource } from '../checks.ts'
import { type Exchange, reply } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { requireLock, requireParentLock } from '../lock-check.ts'
import { hasBody } from '../request-body.ts'

/** MKCOL: a directory. Bodies would say what to put in it; none is understood (RFC 4918 9.3). */
export async function mkcol(exchange: Exchange): Promise<void> {
  if (hasBody(exchange.request)) throw new HttpError(415, 'A MKCOL with a body is not understood.')
  const { state, holder, path } = exchange
  const resource = await requestedResource(exchange)
  if (resource.own !== undefined) throw there()
  if (resource.parent === undefined) throw new HttpError(409, 'The directory above is not there: make it first.')
  checkConditions(exchange, resource)
  requireLock(state.locks, path, holder)
  requireParentLock(state.locks, path, holder)
  try {
    await resource.served.volume.makeDirectory(resource.parent.handle, resource.name, 0o755)
  } catch (error) {
    throw isDittoError(error, 'DITTO_EXISTS') ? there() : error
  }
  reply(exchange, 201)
}

function there(): HttpError {
  return new HttpError(405, 'Something is at this URL already.')
}

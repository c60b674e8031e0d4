import { changeable } from '../checks.ts'
import { type Exchange, reply } from '../exchange.ts'
import { HttpError } from '../http-error.ts'

/** UNLOCK: ends the whole lock, from any URL that is under it. */
export async function unlock(exchange: Exchange): Promise<void> {
  const { request, state, holder, path, served } = exchange
  changeable(served)
  const header = request.headers['lock-token']
  const token = /^\s*<([^<>\s]+)>\s*$/.exec(typeof header === 'string' ? header : '')?.[1]
  if (token === undefined) throw new HttpError(400, 'The request has no Lock-Token.')
  const lock = state.locks.covering(path).find((one) => one.token === token)
  if (lock === undefined) {
    throw new HttpError(409, 'This URL is not under a lock with that token.', {
      condition: { name: 'lock-token-matches-request-uri' },
    })
  }
  if (lock.principal !== holder.principal) throw new HttpError(403, 'The lock is held by somebody else.')
  state.locks.release(lock)
  reply(exchange, 204)
}

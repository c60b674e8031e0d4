import { checkConditions, depthOf, requestedResource } from '../checks.ts'
import { type Exchange, reply } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { lockedBelow, requireLock, requireParentLock } from '../lock-check.ts'
import { MultistatusWriter } from '../multistatus-writer.ts'
import { removeTree } from '../remove-tree.ts'
import type { Resource } from '../resource.ts'

/** DELETE: a directory with all below goes as one, or not at all. */
export async function remove(exchange: Exchange): Promise<void> {
  const { state, holder, path } = exchange
  depthOf(exchange, ['infinity'], 'infinity')
  const resource = await requestedResource(exchange)
  const { own, parent, name, served } = resource
  if (own === undefined) throw new HttpError(404, 'There is nothing at this URL.')
  if (path.names.length === 0) throw new HttpError(403, 'A space is not removed here.')
  checkConditions(exchange, resource)
  requireLock(state.locks, path, holder)
  requireParentLock(state.locks, path, holder)
  const locked = lockedBelow(state.locks, path, holder)
  if (locked.length > 0) return sendLocked(exchange, locked)
  await removeTree(served, (parent as NonNullable<Resource['parent']>).handle, name, own)
  state.locks.releaseTree(path, { isMapped: false })
  reply(exchange, 204)
}

/** What keeps a directory from being removed or moved (RFC 4918 9.6.1). */
export async function sendLocked({ response, signal }: Exchange, hrefs: readonly string[]): Promise<void> {
  const writer = new MultistatusWriter(response, signal)
  await writer.start()
  for (const href of hrefs) await writer.status(href, 423, 'lock-token-submitted')
  await writer.end()
}

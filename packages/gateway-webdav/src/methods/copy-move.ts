import { randomBytes } from 'node:crypto'
import type { VolumeEntry } from '@dittofs/interface'
import { changeable, checkConditions, depthOf, requestedResource } from '../checks.ts'
import { copyTree } from '../copy-tree.ts'
import { type Exchange, reply } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { lockedBelow, requireLock, requireParentLock } from '../lock-check.ts'
import { parseDestination } from '../parse-destination.ts'
import { removeTree } from '../remove-tree.ts'
import { findResource, type Resource } from '../resource.ts'
import { sendLocked } from './delete.ts'

/** COPY: into a name of its own first where something stands at the destination, so that one of the two is always there. */
export async function copy(exchange: Exchange): Promise<void> {
  const { served, path, state } = exchange
  const isDeep = depthOf(exchange, ['0', 'infinity'], 'infinity') === 'infinity'
  if (served === undefined) throw new HttpError(403, 'Here stand the spaces that are served: copy from one of them.')
  const source = await findResource(served, path)
  if (source.entry === undefined) throw new HttpError(404, 'There is nothing at this URL.')
  checkConditions(exchange, source)
  const target = await checkedDestination(exchange, source)
  if (target.locked.length > 0) return sendLocked(exchange, target.locked)
  await copyTo(exchange, source, target.resource, isDeep)
  state.locks.releaseTree(target.resource.path, { isMapped: true })
  reply(exchange, target.resource.own === undefined ? 201 : 204)
}

/** MOVE: one rename within a space. The node stays the same one, with its properties and its history. */
export async function move(exchange: Exchange): Promise<void> {
  const { state, holder, path } = exchange
  depthOf(exchange, ['infinity'], 'infinity')
  const source = await requestedResource(exchange)
  if (source.own === undefined) throw new HttpError(404, 'There is nothing at this URL.')
  if (path.names.length === 0) throw new HttpError(403, 'A space is not moved here.')
  checkConditions(exchange, source)
  requireLock(state.locks, path, holder)
  requireParentLock(state.locks, path, holder)
  const target = await checkedDestination(exchange, source)
  const locked = [...lockedBelow(state.locks, path, holder), ...target.locked]
  if (locked.length > 0) return sendLocked(exchange, locked)
  if (source.served === target.resource.served) await renameTo(source, target.resource)
  else {
    if (source.entry === undefined) throw new HttpError(403, 'A link that leads nowhere stays in its space.')
    await copyTo(exchange, source, target.resource, true)
    await removeTree(source.served, (source.parent as NonNullable<Resource['parent']>).handle, source.name, source.own)
  }
  state.locks.releaseTree(path, { isMapped: false })
  state.locks.releaseTree(target.resource.path, { isMapped: true })
  reply(exchange, target.resource.own === undefined ? 201 : 204)
}

interface Destination {
  readonly resource: Resource
  /** What is locked below the directory that would be overwritten. */
  readonly locked: readonly string[]
}

/** @throws HttpError 400, 403, 409, 412, 423 or 502: nothing can be brought there */
async function checkedDestination(
  { request, method, state, holder, address }: Exchange,
  source: Resource,
): Promise<Destination> {
  const header = request.headers.destination
  if (typeof header !== 'string') throw new HttpError(400, 'The request does not say where to: it has no Destination.')
  const mayOverwrite = overwriteOf(request.headers.overwrite)
  const path = parseDestination(header.trim(), request.headers.host)
  const served = path.exportName === undefined ? undefined : state.exports.get(path.exportName)
  if (served?.isAllowed(address) === false) throw new HttpError(403, 'The destination may not be used from here.')
  const resource = await findResource(changeable(served), path)
  if (path.names.length === 0) throw new HttpError(403, 'A space is not overwritten here.')
  if (resource.parent === undefined) throw new HttpError(409, 'The directory of the destination is not there.')
  await checkPlaces(method, source, resource)
  if (resource.own !== undefined && !mayOverwrite) throw new HttpError(412, 'Something is at the destination already.')
  requireLock(state.locks, path, holder)
  if (resource.own === undefined) requireParentLock(state.locks, path, holder)
  return { resource, locked: resource.own === undefined ? [] : lockedBelow(state.locks, path, holder) }
}

/**
 * Compares where the two really are: through symlinks one directory has many URLs.
 *
 * @throws HttpError 403
 */
async function checkPlaces(method: string, source: Resource, target: Resource): Promise<void> {
  if (source.served !== target.served) return
  const to = (await placeOf(target)).join('/')
  const { volume } = source.served
  // What COPY takes is behind a symlink, what MOVE takes is the symlink.
  const isBehind = method === 'COPY' && source.entry !== undefined
  const from = (isBehind ? await volume.path(source.entry.handle) : await placeOf(source)).join('/')
  if (from === to) throw new HttpError(403, 'The source and the destination are the same.')
  if (to.startsWith(from === '' ? '' : `${from}/`))
    throw new HttpError(403, 'A directory cannot be brought into itself.')
  if (from.startsWith(`${to}/`)) throw new HttpError(403, 'What stands at the destination holds the source.')
}

/** The names from the root of the volume to a name that is taken or free. */
async function placeOf({ served, path, parent, name }: Resource): Promise<readonly string[]> {
  if (path.names.length === 0) return []
  return [...(await served.volume.path((parent as NonNullable<Resource['parent']>).handle)), name]
}

async function copyTo({ signal }: Exchange, source: Resource, target: Resource, isDeep: boolean): Promise<void> {
  const directory = (target.parent as NonNullable<Resource['parent']>).handle
  const { volume } = target.served
  const name = target.own === undefined ? target.name : temporaryName()
  await copyTree({
    from: source.served,
    source: source.entry as VolumeEntry,
    to: target.served,
    directory,
    name,
    isDeep,
    signal,
  })
  if (target.own === undefined) return
  try {
    await replace(target, directory, name)
  } catch (error) {
    await volume.removeTree(directory, name).catch(() => {})
    throw error
  }
}

async function renameTo(source: Resource, target: Resource): Promise<void> {
  const from = (source.parent as NonNullable<Resource['parent']>).handle
  if (target.own !== undefined) return replace(target, from, source.name)
  await source.served.volume.rename(
    from,
    source.name,
    (target.parent as NonNullable<Resource['parent']>).handle,
    target.name,
  )
}

/** Brings a node to a name that is taken. A file gives way to a file as one; anything else is put aside first. */
async function replace(target: Resource, from: VolumeEntry['handle'], fromName: string): Promise<void> {
  const { volume, properties } = target.served
  const directory = (target.parent as NonNullable<Resource['parent']>).handle
  const own = target.own as VolumeEntry
  const moved = await volume.lookup(from, fromName)
  const isOfFiles = moved.attributes.kind !== 'directory' && own.attributes.kind !== 'directory'
  if (isOfFiles) await volume.rename(from, fromName, directory, target.name)
  else {
    const aside = temporaryName()
    await volume.rename(directory, target.name, directory, aside)
    try {
      await volume.rename(from, fromName, directory, target.name)
    } catch (error) {
      await volume.rename(directory, aside, directory, target.name).catch(() => {})
      throw error
    }
    await removeTree(target.served, directory, aside, own)
    return
  }
  await properties.delete(own.handle)
}

/** A name that nobody gives a file. */
function temporaryName(): string {
  return `.~webdav-${randomBytes(9).toString('hex')}`
}

function overwriteOf(header: string | string[] | undefined): boolean {
  if (header === undefined) return true
  const value = String(header).trim().toUpperCase()
  if (value !== 'T' && value !== 'F') throw new HttpError(400, 'The Overwrite of the request must be T or F.')
  return value === 'T'
}

import { checkConditions, depthOf, requestedResource } from '../checks.ts'
import type { Exchange } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { holds, requireParentLock } from '../lock-check.ts'
import { parseLockInfo, parseTimeout } from '../lock-request.ts'
import { type Lock, lockKey } from '../lock-table.ts'
import { MultistatusWriter, XML_TYPE, xmlDocument } from '../multistatus-writer.ts'
import { lockDiscovery } from '../properties/lock-discovery.ts'
import { readXmlBody } from '../request-body.ts'
import { formatHref } from '../request-path.ts'
import type { Resource } from '../resource.ts'
import type { XmlElement } from '../xml-element.ts'

/** LOCK: takes a lock, or without a body refreshes one. */
export async function lock(exchange: Exchange): Promise<void> {
  const body = await readXmlBody(exchange)
  const resource = await requestedResource(exchange)
  checkConditions(exchange, resource)
  if (body === undefined) refresh(exchange)
  else await take(exchange, resource, body)
}

async function take(exchange: Exchange, resource: Resource, body: XmlElement): Promise<void> {
  const { state, holder, path, client, request } = exchange
  const { isExclusive, owner } = parseLockInfo(body)
  const isDeep = depthOf(exchange, ['0', 'infinity'], 'infinity') === 'infinity'
  const { entry, own, parent } = resource
  if (parent === undefined) throw new HttpError(409, 'The directory of this URL is not there: make it first.')
  if (own !== undefined && entry === undefined) throw new HttpError(409, 'A link that leads nowhere is at this URL.')
  const isDirectory = entry?.attributes.kind === 'directory'
  const wanted = { path, isDirectory, isExclusive, isDeep: isDeep && isDirectory }
  const against = state.locks.conflicts(wanted)
  if (against.length > 0) return refuse(exchange, against, isDirectory)
  if (own === undefined) requireParentLock(state.locks, path, holder)
  const granted = state.locks.grant({
    ...wanted,
    owner,
    principal: holder.principal,
    client,
    seconds: parseTimeout(request.headers.timeout),
  })
  // What is locked and not there becomes an empty file (RFC 4918 7.3): Windows and macOS lock before they write.
  if (own === undefined) {
    try {
      await makeEmpty(resource, parent)
    } catch (error) {
      state.locks.release(granted)
      throw error
    }
  }
  answer(exchange, granted, own === undefined ? 201 : 200, { 'Lock-Token': `<${granted.token}>` })
}

async function makeEmpty({ served, name }: Resource, parent: NonNullable<Resource['parent']>): Promise<void> {
  const { handle } = await served.volume.create(parent.handle, name, { mode: 0o644, rule: 'unchecked' })
  await served.volume.commit(handle)
}

function refresh(exchange: Exchange): void {
  const { state, holder, path, request } = exchange
  const held = state.locks.covering(path).filter((one) => holds(holder, one))
  const [first] = held
  if (first === undefined) {
    throw new HttpError(412, 'The request carries no token of a lock that this URL is under.', {
      condition: { name: 'lock-token-matches-request-uri' },
    })
  }
  state.locks.refresh(first, parseTimeout(request.headers.timeout))
  answer(exchange, first, 200, {})
}

function answer({ response, state }: Exchange, lock: Lock, status: number, headers: Record<string, string>): void {
  const discovery = lockDiscovery([{ lock, remainingMs: state.locks.remainingMs(lock) }])
  const body = xmlDocument(`<D:prop xmlns:D="DAV:"><D:lockdiscovery>${discovery}</D:lockdiscovery></D:prop>`)
  response.writeHead(status, {
    'Content-Type': XML_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  })
  response.end(body)
}

/** A lock elsewhere stands against it: on the way here 423, below here a multistatus that names it (RFC 4918 9.10.10). */
async function refuse(
  { response, signal, path }: Exchange,
  against: readonly Lock[],
  isDirectory: boolean,
): Promise<void> {
  const below = against.filter((lock) => lockKey(lock.path).startsWith(`${lockKey(path)}/`))
  if (below.length < against.length) {
    throw new HttpError(423, 'A lock that is held stands against this one.', {
      condition: {
        name: 'no-conflicting-lock',
        hrefs: against.filter((one) => !below.includes(one)).map(({ href }) => href),
      },
    })
  }
  const writer = new MultistatusWriter(response, signal)
  await writer.start()
  for (const href of new Set(below.map((one) => one.href))) await writer.status(href, 423, 'no-conflicting-lock')
  await writer.status(formatHref(path, isDirectory), 424)
  await writer.end()
}

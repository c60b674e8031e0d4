import { isDittoError, MAX_FILE_BYTES, type ReplaceContentOptions, type VolumeAttributes } from '@dittofs/interface'
import { checkConditions, requestedResource } from '../checks.ts'
import { entityTag } from '../entity-tag.ts'
import { type Exchange, reply } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { MAX_SMALL_BODY_BYTES, MAX_SPOOL_MEMORY_BYTES } from '../limits.ts'
import { requireLock, requireParentLock } from '../lock-check.ts'
import { askForBody, bytesOf } from '../request-body.ts'
import type { Resource } from '../resource.ts'
import type { SpooledBody } from '../spool.ts'

/** While a large body goes from the spool into the space, the client is told so often that it is being worked on. */
const PROGRESS_MS = 10_000
/** A body that took no longer is written where its directory was when it began. */
const LOOK_AGAIN_AFTER_MS = 1000

/**
 * PUT. The body is taken in whole before the space is touched, so that a cut upload leaves what was there; the file stays
 * the same node, and what another device made of it meanwhile becomes a conflict copy as after any other change.
 */
export async function put(exchange: Exchange): Promise<void> {
  const { request, response, state } = exchange
  if (request.headers['content-range'] !== undefined) {
    throw new HttpError(400, 'A file is written whole: Content-Range is not understood in a PUT.')
  }
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new HttpError(415, 'A compressed body is not understood.')
  }
  const startedAtMs = state.clock.monotonic()
  const before = await checkedTarget(exchange)
  await checkRoom(exchange, before)
  askForBody(request, response)
  const body = await receive(exchange)
  const progress = setInterval(() => {
    if (request.httpVersionMinor >= 1 && !response.headersSent) response.writeProcessing()
  }, PROGRESS_MS)
  try {
    const target = await stillTarget(exchange, before, startedAtMs)
    const time = mtimeHeader(request.headers['x-oc-mtime'])
    const { attributes, isNew } = await store(exchange, target, body, time === undefined ? {} : { mtimeNs: time })
    reply(exchange, isNew ? 201 : 204, {
      ETag: entityTag(attributes),
      ...(time === undefined ? {} : { 'X-OC-Mtime': 'accepted' }),
    })
  } finally {
    clearInterval(progress)
    await body.close()
  }
}

async function receive({ request, state }: Exchange): Promise<SpooledBody> {
  const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (length <= MAX_SMALL_BODY_BYTES) return state.spool.keep(await bytesOf(request, length))
  const pieces = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  return state.spool.receive(pieces, MAX_FILE_BYTES)
}

/** @throws HttpError 403, 405, 409, 412 or 423: nothing can be put there */
async function checkedTarget(exchange: Exchange): Promise<Resource> {
  const resource = await requestedResource(exchange)
  const { entry, own, parent } = resource
  if (entry?.attributes.kind === 'directory') throw new HttpError(405, 'There is a directory at this URL.')
  if (parent === undefined) throw new HttpError(409, 'The directory for this file is not there: make it first.')
  if (own !== undefined && entry === undefined) throw new HttpError(409, 'A link that leads nowhere is at this URL.')
  checkConditions(exchange, resource)
  checkLocks(exchange, resource)
  return resource
}

/**
 * Looks again, once the body is here. After a short time only at the locks: that a file came to be or was changed is seen
 * when it is created or written.
 */
async function stillTarget(exchange: Exchange, before: Resource, startedAtMs: number): Promise<Resource> {
  if (exchange.state.clock.monotonic() - startedAtMs > LOOK_AGAIN_AFTER_MS) return checkedTarget(exchange)
  checkLocks(exchange, before)
  return before
}

function checkLocks({ state, holder }: Exchange, { path, own }: Resource): void {
  requireLock(state.locks, path, holder)
  if (own === undefined) requireParentLock(state.locks, path, holder)
}

/**
 * Refuses early what cannot fit. macOS sends a body in pieces, and says in a header of its own how long it will be.
 *
 * @throws HttpError 413 or 507
 */
async function checkRoom({ request }: Exchange, { served, entry }: Resource): Promise<void> {
  const header = request.headers['content-length'] ?? request.headers['x-expected-entity-length']
  const size = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : undefined
  if (size === undefined) return
  if (size > MAX_FILE_BYTES) throw new HttpError(413, `A file may have at most ${MAX_FILE_BYTES} bytes.`)
  // A small new file that finds no space is removed again: not worth asking for each of thousands.
  if (entry === undefined && size <= MAX_SPOOL_MEMORY_BYTES) return
  const { freeBytes } = await served.volume.statistics()
  if (size > freeBytes) throw new HttpError(507, 'There is no space left for a file of this size.')
}

interface Stored {
  readonly attributes: VolumeAttributes
  readonly isNew: boolean
}

/** Makes a body the content of a file: durable, and whole or not at all. */
async function store(
  exchange: Exchange,
  target: Resource,
  body: SpooledBody,
  options: ReplaceContentOptions,
): Promise<Stored> {
  const { state } = exchange
  const { volume } = target.served
  if (target.entry !== undefined) {
    const { handle } = target.entry
    const attributes = await state.gate.write(handle, async () => {
      // Another upload may have gone first.
      checkConditions(exchange, { ...target, entry: { handle, attributes: await volume.attributes(handle) } })
      return volume.replaceContent(handle, body, options)
    })
    return { attributes, isNew: false }
  }
  const { handle: directory } = target.parent as NonNullable<Resource['parent']>
  try {
    const made = await volume.createWithContent(directory, target.name, body, { ...options, mode: 0o644 })
    return { attributes: made.attributes, isNew: true }
  } catch (error) {
    if (!isDittoError(error, 'DITTO_EXISTS')) throw error
  }
  // Somebody else made it since it was looked for: it is a file that is there, then.
  return store(exchange, await checkedTarget(exchange), body, options)
}

/** Seconds since the Unix epoch in the header by which ownCloud's clients, and rclone, set a file's time. */
function mtimeHeader(header: string | string[] | undefined): bigint | undefined {
  const found = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(typeof header === 'string' ? header.trim() : '')
  if (found === null) return undefined
  return BigInt(found[1] as string) * 1_000_000_000n + BigInt((found[2] ?? '').padEnd(9, '0'))
}

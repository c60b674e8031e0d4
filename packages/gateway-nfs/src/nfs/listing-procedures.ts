import type { Volume, VolumeDirent, VolumeEntry, VolumeHandle, VolumeName } from '@dittofs/interface'
import { MAX_LISTING_BYTES } from '../limits.ts'
import type { XdrReader } from '../xdr/xdr-reader.ts'
import { padding } from '../xdr/xdr-reader.ts'
import { FATTR3_BYTES } from './nfs-attributes.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import { encodeHandle, NFS3_FHSIZE, type Target } from './nfs-handle.ts'
import { NFS3, NfsError } from './nfs-status.ts'

/** Cookies are stable, so one verifier holds for all times: that of a listing that has not begun. */
const COOKIE_VERIFIER = 0n
/** The cookies of `.` and `..`; those of the volume come behind. */
const SELF_COOKIE = 1n
const PARENT_COOKIE = 2n
const MAX_VOLUME_COOKIE = (1n << 63n) - 1n

/** status, dir_attributes, cookieverf; at the end the marks for no more entries, and eof. */
const FRAME_BYTES = 4 + 4 + FATTR3_BYTES + 8 + 4 + 4
/** That an entry follows, fileid, the name's length, cookie. */
const ENTRY_BYTES = 4 + 8 + 4 + 8
/** name_attributes and name_handle without the handle's own bytes. */
const PLUS_BYTES = 4 + FATTR3_BYTES + 4 + 4
/** What entries take at least, to ask the volume for about as many as fit. */
const TYPICAL_NAME_BYTES = 12

/** Bytes that the answer to READDIR or READDIRPLUS may have. */
export function listingReplyBytes(): number {
  return MAX_LISTING_BYTES
}

/** What a client wants listed, and how much of it fits. */
interface Wanted {
  readonly handle: Buffer
  readonly cookie: bigint
  readonly verifier: bigint
  readonly isPlus: boolean
  /** Bytes of names, file IDs and cookies; of all entries with what surrounds them. */
  readonly nameBytes: number
  readonly allBytes: number
}

/** Section 3.3.16. */
export async function readDirectory(call: NfsCall): Promise<void> {
  const start = readStart(call)
  const allBytes = Math.min(call.args.uint32(), MAX_LISTING_BYTES)
  await list(call, { ...start, isPlus: false, nameBytes: allBytes, allBytes })
}

/** Section 3.3.17. */
export async function readDirectoryPlus(call: NfsCall): Promise<void> {
  const start = readStart(call)
  const nameBytes = Math.min(call.args.uint32(), MAX_LISTING_BYTES)
  const allBytes = Math.min(call.args.uint32(), MAX_LISTING_BYTES)
  await list(call, { ...start, isPlus: true, nameBytes, allBytes })
}

function readStart(call: NfsCall): Pick<Wanted, 'handle' | 'cookie' | 'verifier'> {
  const { args }: { args: XdrReader } = call
  return { handle: call.readHandle(), cookie: args.uint64(), verifier: args.uint64() }
}

/** An entry of a listing as it is answered: READDIR tells no more than its name. */
type Listed = VolumeName & { readonly node: VolumeEntry | undefined }

async function list(call: NfsCall, wanted: Wanted): Promise<void> {
  let target: Target | undefined
  try {
    target = call.target(wanted.handle)
    if (wanted.cookie > 0n && wanted.verifier !== COOKIE_VERIFIER) throw new NfsError(NFS3.badCookie)
    const page = new ListingPage(wanted, target)
    const directory = attributesIfAny(target)
    const isEnd = await fill(page, target, wanted.cookie)
    if (page.entries.length === 0 && !isEnd) throw new NfsError(NFS3.tooSmall)
    const attributes = await directory
    call.reply.uint32(NFS3.ok)
    call.writePostAttributes(attributes, target.export)
    call.reply.uint64(COOKIE_VERIFIER)
    for (const entry of page.entries) writeEntry(call, target, entry, wanted.isPlus)
    call.reply.boolean(false)
    call.reply.boolean(isEnd)
  } catch (error) {
    call.refuse(error)
    call.writePostAttributes(await attributesIfAny(target), target?.export)
  }
}

/** Takes entries behind `cookie` until the page is full; whether the directory ends with it. */
async function fill(page: ListingPage, { export: { volume }, handle }: Target, cookie: bigint): Promise<boolean> {
  let after = cookie > PARENT_COOKIE ? cookie - PARENT_COOKIE : 0n
  if (after > MAX_VOLUME_COOKIE) throw new NfsError(NFS3.badCookie)
  let listing = listNext(page, volume, handle, after)
  if (cookie < PARENT_COOKIE) {
    const [itself, parent, first] = await Promise.all([volume.attributes(handle), volume.parent(handle), listing])
    const self = { handle, attributes: itself }
    if (cookie < SELF_COOKIE && !page.add(listed({ ...self, name: '.', cookie: SELF_COOKIE }))) return false
    if (!page.add(listed({ ...parent, name: '..', cookie: PARENT_COOKIE }))) return false
    listing = Promise.resolve(first)
  }
  for (;;) {
    const { entries, isEnd } = await listing
    for (const entry of entries) {
      after = entry.cookie
      if (!page.add({ ...entry, cookie: after + PARENT_COOKIE })) return false
    }
    if (isEnd) return true
    listing = listNext(page, volume, handle, after)
  }
}

async function listNext(
  { isPlus, limit }: ListingPage,
  volume: Volume,
  handle: VolumeHandle,
  after: bigint,
): Promise<{ readonly entries: readonly Listed[]; readonly isEnd: boolean }> {
  if (isPlus) {
    const { entries, isEnd } = await volume.readDirectory(handle, { after, limit })
    return { entries: entries.map(listed), isEnd }
  }
  const { entries, isEnd } = await volume.readNames(handle, { after, limit })
  return { entries: entries.map((name) => ({ ...name, node: undefined })), isEnd }
}

function listed({ name, cookie, handle, attributes }: VolumeDirent): Listed {
  return { name, cookie, fileId: attributes.fileId, node: { handle, attributes } }
}

/** The entries that fit into one answer. */
class ListingPage {
  readonly entries: Listed[] = []
  readonly #wanted: Wanted
  readonly #target: Target
  #nameBytes = 0
  #allBytes = FRAME_BYTES

  constructor(wanted: Wanted, target: Target) {
    this.#wanted = wanted
    this.#target = target
  }

  get isPlus(): boolean {
    return this.#wanted.isPlus
  }

  /** Entries that may still fit, at least 1. */
  get limit(): number {
    const { isPlus, nameBytes, allBytes } = this.#wanted
    const plus = isPlus ? PLUS_BYTES + handleBytes(this.#target.handle) : 0
    const byNames = (nameBytes - this.#nameBytes) / (ENTRY_BYTES + TYPICAL_NAME_BYTES)
    const byAll = (allBytes - this.#allBytes) / (ENTRY_BYTES + TYPICAL_NAME_BYTES + plus)
    return Math.max(1, Math.ceil(Math.min(byNames, byAll)))
  }

  /** Whether the entry fitted. */
  add(entry: Listed): boolean {
    const length = Buffer.byteLength(entry.name)
    const names = ENTRY_BYTES + length + padding(length)
    const all = names + (entry.node === undefined || !this.isPlus ? 0 : PLUS_BYTES + handleBytes(entry.node.handle))
    if (this.#nameBytes + names > this.#wanted.nameBytes || this.#allBytes + all > this.#wanted.allBytes) return false
    this.#nameBytes += names
    this.#allBytes += all
    this.entries.push(entry)
    return true
  }
}

function writeEntry(call: NfsCall, target: Target, { name, fileId, cookie, node }: Listed, isPlus: boolean): void {
  call.reply.boolean(true)
  call.reply.uint64(fileId)
  call.reply.string(name)
  call.reply.uint64(cookie)
  if (!isPlus || node === undefined) return
  call.writePostAttributes(node.attributes, target.export)
  call.reply.boolean(true)
  call.reply.opaque(encodeHandle({ export: target.export, handle: node.handle }))
}

/** As its NFS handle, padded: bounded, not counted to the byte. */
function handleBytes(handle: VolumeHandle): number {
  return Math.min(handle.length + 12, NFS3_FHSIZE)
}

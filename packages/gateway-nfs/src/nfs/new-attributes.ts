import { type AttributeChange, type Clock, MAX_FILE_BYTES } from '@dittofs/interface'
import { XdrError } from '../xdr/xdr-error.ts'
import type { XdrReader } from '../xdr/xdr-reader.ts'
import { NFS3, NfsError } from './nfs-status.ts'

const NANOSECONDS = 1_000_000_000
const DONT_CHANGE = 0
const SET_TO_SERVER_TIME = 1
const SET_TO_CLIENT_TIME = 2

/** sattr3 of RFC 1813 section 2.5.3, as it came. What is absent is not to be set. */
export interface NewAttributes {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly size: bigint | undefined
  readonly mtime: Date3 | 'now' | undefined
}

/** nfstime3. */
export interface Date3 {
  readonly seconds: number
  readonly nanoseconds: number
}

/** @throws XdrError */
export function readNewAttributes(args: XdrReader): NewAttributes {
  const mode = args.boolean() ? args.uint32() : undefined
  const uid = args.boolean() ? args.uint32() : undefined
  const gid = args.boolean() ? args.uint32() : undefined
  const size = args.boolean() ? args.uint64() : undefined
  readTimeChoice(args) // atime, which no space keeps
  return { mode, uid, gid, size, mtime: readTimeChoice(args) }
}

function readTimeChoice(args: XdrReader): Date3 | 'now' | undefined {
  const choice = args.uint32()
  if (choice === DONT_CHANGE) return undefined
  if (choice === SET_TO_SERVER_TIME) return 'now'
  if (choice === SET_TO_CLIENT_TIME) return readTime(args)
  throw new XdrError(`${choice} is no way to set a time.`)
}

export function readTime(args: XdrReader): Date3 {
  return { seconds: args.uint32(), nanoseconds: args.uint32() }
}

/**
 * As a change that a volume knows. Owner and group are not among it.
 *
 * @throws NfsError NFS3ERR_FBIG, NFS3ERR_INVAL
 */
export function attributeChange({ mode, size, mtime }: NewAttributes, clock: Pick<Clock, 'now'>): AttributeChange {
  const change: AttributeChange = {}
  if (mode !== undefined) change.mode = permissionBits(mode)
  if (size !== undefined) {
    if (size > BigInt(MAX_FILE_BYTES)) throw new NfsError(NFS3.fileTooBig)
    change.size = Number(size)
  }
  if (mtime === 'now') change.mtimeNs = BigInt(Math.floor(clock.now())) * 1_000_000n
  else if (mtime !== undefined) {
    if (mtime.nanoseconds >= NANOSECONDS) throw new NfsError(NFS3.invalid)
    change.mtimeNs = BigInt(mtime.seconds) * BigInt(NANOSECONDS) + BigInt(mtime.nanoseconds)
  }
  return change
}

/** A space keeps no set-user-ID, set-group-ID and sticky bits. */
export function permissionBits(mode: number): number {
  return mode & 0o777
}

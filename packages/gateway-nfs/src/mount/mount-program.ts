import { isDittoError, type Logger } from '@dittofs/interface'
import type { ExportTable } from '../export-table.ts'
import { encodeHandle, type Target } from '../nfs/nfs-handle.ts'
import { AUTH_NONE, AUTH_SYS } from '../rpc/credentials.ts'
import { NULL_PROCEDURE, type RpcCall, type RpcProcedure, type RpcProgram } from '../rpc/rpc-program.ts'
import type { MountList } from './mount-list.ts'

/** RFC 1813 section 5.1. */
export const MOUNT_PROGRAM = 100_005
export const MOUNT_VERSION = 3
const MAX_PATH_BYTES = 1024

/** Section 5.1.5: mountstat3. */
const MNT3 = { ok: 0, noEntry: 2, io: 5, access: 13, notDirectory: 20, serverFault: 10_006 } as const

export interface MountContext {
  readonly exports: ExportTable
  readonly mounts: MountList
  readonly logger: Logger | undefined
}

/** The MOUNT protocol, version 3: how a client gets the handle of the directory it begins with. */
export function mountProgram(context: MountContext): RpcProgram {
  const procedure = (name: string, run: RpcProcedure['run']): RpcProcedure => ({ name, isIdempotent: true, run })
  return {
    program: MOUNT_PROGRAM,
    version: MOUNT_VERSION,
    procedures: [
      NULL_PROCEDURE,
      procedure('MNT', (call) => mount(context, call)),
      procedure('DUMP', (call) => dump(context, call)),
      procedure('UMNT', ({ args, peer: { address } }) =>
        context.mounts.remove({ address, path: args.string(MAX_PATH_BYTES) }),
      ),
      procedure('UMNTALL', ({ peer }) => context.mounts.removeAll(peer.address)),
      procedure('EXPORT', (call) => listExports(context, call)),
    ],
  }
}

/** Section 5.2.1. `/NAME`, or a directory below it: `/NAME/some/where`. */
async function mount(context: MountContext, { args, reply, peer }: RpcCall): Promise<void> {
  const path = args.string(MAX_PATH_BYTES)
  const found = await find(context, path, peer.address)
  if (typeof found === 'number') {
    reply.uint32(found)
    return
  }
  context.mounts.add({ address: peer.address, path })
  reply.uint32(MNT3.ok)
  reply.opaque(encodeHandle(found))
  reply.uint32(2)
  reply.uint32(AUTH_SYS)
  reply.uint32(AUTH_NONE)
}

/** The directory at a path, or the mountstat3 that says why not. */
async function find({ exports, logger }: MountContext, path: string, address: string): Promise<Target | number> {
  const [name = '', ...names] = path.split('/').filter((part) => part !== '')
  const entry = exports.byName(name)
  if (entry === undefined) return MNT3.noEntry
  if (!entry.allows(address)) {
    logger?.warn({ address, export: name }, 'An address asked for an NFS export that is not for it.')
    return MNT3.access
  }
  try {
    let handle = entry.volume.root
    let kind: string = 'directory'
    for (const part of names) {
      const found = await entry.volume.lookup(handle, part)
      handle = found.handle
      kind = found.attributes.kind
    }
    return kind === 'directory' ? { export: entry, handle } : MNT3.notDirectory
  } catch (error) {
    if (isDittoError(error, 'DITTO_NOT_FOUND') || isDittoError(error, 'DITTO_HANDLE_STALE')) return MNT3.noEntry
    if (isDittoError(error, 'DITTO_NOT_DIRECTORY')) return MNT3.notDirectory
    if (isDittoError(error, 'DITTO_PATH_INVALID')) return MNT3.access
    return isDittoError(error) ? MNT3.io : MNT3.serverFault
  }
}

/** Section 5.2.2. */
function dump({ mounts, exports }: MountContext, { reply, peer }: RpcCall): void {
  for (const { address, path } of mounts.all()) {
    // What is not for a client is none of its business.
    if (exports.byName(path.split('/').find((part) => part !== '') ?? '')?.allows(peer.address) !== true) continue
    reply.boolean(true)
    reply.string(address)
    reply.string(path)
  }
  reply.boolean(false)
}

/** Section 5.2.5: those that are for the client. Groups are addresses. */
function listExports({ exports }: MountContext, { reply, peer }: RpcCall): void {
  for (const { name, allowedAddresses, allows } of exports.all()) {
    if (!allows(peer.address)) continue
    reply.boolean(true)
    reply.string(`/${name}`)
    for (const range of allowedAddresses) {
      reply.boolean(true)
      reply.string(range)
    }
    reply.boolean(false)
  }
  reply.boolean(false)
}

import type { AttributeChange, VolumeAttributes } from '@dittofs/interface'
import { attributeChange, type Date3, type NewAttributes, readNewAttributes, readTime } from './new-attributes.ts'
import { writeAttributes } from './nfs-attributes.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import type { Target } from './nfs-handle.ts'
import { NFS3, NfsError } from './nfs-status.ts'
import { changeNode } from './weak-cache-consistency.ts'

/** Section 3.3.1. */
export async function getAttributes(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  try {
    const target = call.target(handle)
    const attributes = await target.export.volume.attributes(target.handle)
    call.reply.uint32(NFS3.ok)
    writeAttributes(call.reply, attributes, target.export, call.context.owner)
  } catch (error) {
    call.refuse(error)
  }
}

/** Section 3.3.2. */
export async function setAttributes(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const wanted = readNewAttributes(call.args)
  const guard = call.args.boolean() ? readTime(call.args) : undefined
  const isAsKnown = guard === undefined || (await hasChangeTime(call, handle, guard))
  await changeNode(call, handle, async (target) => {
    if (!isAsKnown) throw new NfsError(NFS3.notSync)
    refuseOtherOwner(call, wanted)
    return applyAttributes(call, target, attributeChange(wanted, call.context.clock))
  })
}

/**
 * Changes attributes in a way that lasts, which a volume leaves to a commit where content is concerned. A client does not
 * send again what SETATTR answered, as it does with WRITE after a restart; writes that it sends again would then lie in a
 * file that was never cut off.
 *
 * @returns the attributes after it; `undefined` where there was nothing to change
 */
export async function applyAttributes(
  call: NfsCall,
  target: Target,
  change: AttributeChange,
): Promise<VolumeAttributes | undefined> {
  const { volume } = target.export
  if (Object.keys(change).length === 0) return undefined
  const { dirtyFiles } = call.context
  const isLasting = change.size === undefined && !dirtyFiles.has(target)
  const changing = volume.setAttributes(target.handle, change)
  if (isLasting) return changing
  const [changed] = await Promise.allSettled([changing, dirtyFiles.commit(target, () => volume.commit(target.handle))])
  if (changed.status === 'rejected') throw changed.reason
  return changed.value
}

/**
 * Whether a node still has the ctime that a client knows. It is compared before the change: no volume does both in one. A
 * node that cannot be looked at is left to the change to refuse.
 */
async function hasChangeTime(call: NfsCall, handle: Buffer, { seconds, nanoseconds }: Date3): Promise<boolean> {
  try {
    const target = call.target(handle)
    const { ctimeNs } = await target.export.volume.attributes(target.handle)
    return ctimeNs === BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
  } catch {
    return true
  }
}

/** All files are the daemon user's; a change to that is no change. */
function refuseOtherOwner({ context: { owner } }: NfsCall, { uid, gid }: NewAttributes): void {
  const isOther = (uid !== undefined && uid !== owner.uid) || (gid !== undefined && gid !== owner.gid)
  if (isOther) throw new NfsError(NFS3.permission)
}

const ACCESS_READ = 0x01
const ACCESS_LOOKUP = 0x02
const ACCESS_MODIFY = 0x04
const ACCESS_EXTEND = 0x08
const ACCESS_DELETE = 0x10
const ACCESS_EXECUTE = 0x20
const ACCESS_CHANGE = ACCESS_MODIFY | ACCESS_EXTEND | ACCESS_DELETE

/** Section 3.3.4: what the owner of a node may do with it, for that is what every caller is. */
export async function access(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const wanted = call.args.uint32()
  let target: Target | undefined
  try {
    target = call.target(handle)
    const attributes = await target.export.volume.attributes(target.handle)
    call.reply.uint32(NFS3.ok)
    call.writePostAttributes(attributes, target.export)
    call.reply.uint32(wanted & ownerAccess(attributes, target.export.isReadOnly))
  } catch (error) {
    call.refuse(error)
    call.writePostAttributes(await attributesIfAny(target), target?.export)
  }
}

function ownerAccess({ kind, mode }: VolumeAttributes, isReadOnly: boolean): number {
  const isDirectory = kind === 'directory'
  const read = mode & 0o400 ? ACCESS_READ : 0
  const write = mode & 0o200 && !isReadOnly ? (isDirectory ? ACCESS_CHANGE : ACCESS_MODIFY | ACCESS_EXTEND) : 0
  const execute = mode & 0o100 ? (isDirectory ? ACCESS_LOOKUP : ACCESS_EXECUTE) : 0
  return read | write | execute
}

import type { AttributeChange, CreateOptions, VolumeEntry } from '@dittofs/interface'
import { XdrError } from '../xdr/xdr-error.ts'
import { applyAttributes } from './attribute-procedures.ts'
import { fileName, readFileName } from './file-name.ts'
import { attributeChange, type NewAttributes, permissionBits, readNewAttributes } from './new-attributes.ts'
import type { NfsCall } from './nfs-context.ts'
import { encodeHandle, type Target } from './nfs-handle.ts'
import { NFS3, NfsError } from './nfs-status.ts'
import { changeDirectory } from './weak-cache-consistency.ts'

const DEFAULT_FILE_MODE = 0o644
const DEFAULT_DIRECTORY_MODE = 0o755

/** Section 3.3.8: createmode3. UNCHECKED is 0. */
const GUARDED = 1
const EXCLUSIVE = 2
const VERIFIER_BYTES = 8

/** A symlink's target, as long as a path may be (RFC 1813 has no limit of its own). */
const MAX_LINK_BYTES = 65_536

/** Section 2.5: ftype3. */
const CHARACTER_DEVICE = 4
const BLOCK_DEVICE = 3
const SOCKET = 6
const FIFO = 7

/** Section 3.3.8. */
export async function create(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const name = readFileName(call.args)
  const how = call.args.uint32()
  if (how > EXCLUSIVE) throw new XdrError(`${how} is no way to create a file.`)
  if (how === EXCLUSIVE) {
    const verifier = call.args.fixedOpaque(VERIFIER_BYTES)
    await make(call, handle, (target) => {
      const options: CreateOptions = { mode: DEFAULT_FILE_MODE, rule: 'guarded', verifier }
      return target.export.volume.create(target.handle, fileName(name), options)
    })
    return
  }
  const wanted = readNewAttributes(call.args)
  await make(call, handle, async (target) => {
    const mode = permissionBits(wanted.mode ?? DEFAULT_FILE_MODE)
    const change = changeBesideMode(call, wanted)
    const rule = how === GUARDED ? 'guarded' : 'unchecked'
    const entry = await target.export.volume.create(target.handle, fileName(name), { mode, rule })
    return withAttributes(call, target, entry, change)
  })
}

/** Section 3.3.9. */
export async function makeDirectory(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const name = readFileName(call.args)
  const { mode } = readNewAttributes(call.args)
  await make(call, handle, async (target) =>
    target.export.volume.makeDirectory(target.handle, fileName(name), permissionBits(mode ?? DEFAULT_DIRECTORY_MODE)),
  )
}

/** Section 3.3.10. The attributes that come with it are those of no symlink here. */
export async function makeSymlink(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const name = readFileName(call.args)
  readNewAttributes(call.args)
  const link = call.args.opaque(MAX_LINK_BYTES)
  await make(call, handle, async (target) => {
    const path = link.toString('utf8')
    if (!Buffer.from(path).equals(link)) throw new NfsError(NFS3.invalid)
    return target.export.volume.makeSymlink(target.handle, fileName(name), path)
  })
}

/** Section 3.3.11. A space has no devices, sockets and pipes; what is no special file is not made this way at all. */
export async function makeNode(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  readFileName(call.args)
  const type = call.args.uint32()
  const isSpecial = [BLOCK_DEVICE, CHARACTER_DEVICE, SOCKET, FIFO].includes(type)
  await make(call, handle, async () => {
    throw new NfsError(isSpecial ? NFS3.notSupported : NFS3.badType)
  })
}

/** Answers with what was made: its handle and attributes, and the directory's wcc_data. */
function make(call: NfsCall, handle: Buffer, change: (target: Target) => Promise<VolumeEntry>): Promise<void> {
  return changeDirectory(
    call,
    handle,
    async (target) => change(target),
    (entry, target) => {
      call.reply.boolean(true)
      call.reply.opaque(encodeHandle({ export: target.export, handle: entry.handle }))
      call.writePostAttributes(entry.attributes, target.export)
    },
  )
}

/** A file that was there keeps its mode; its size and time are set in both cases. */
function changeBesideMode(call: NfsCall, wanted: NewAttributes): AttributeChange {
  const { mode: _mode, ...change } = attributeChange(wanted, call.context.clock)
  return change
}

async function withAttributes(
  call: NfsCall,
  target: Target,
  entry: VolumeEntry,
  change: AttributeChange,
): Promise<VolumeEntry> {
  // A new file is empty as it is: to cut it off would make a version of it for nothing.
  const { size, ...others } = change
  const needed = size === undefined || size === entry.attributes.size ? others : change
  const attributes = await applyAttributes(call, { ...target, handle: entry.handle }, needed)
  return attributes === undefined ? entry : { ...entry, attributes }
}

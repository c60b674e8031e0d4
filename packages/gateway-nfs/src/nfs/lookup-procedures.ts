import type { VolumeEntry } from '@dittofs/interface'
import { fileName, readFileName } from './file-name.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import { encodeHandle, type Target } from './nfs-handle.ts'
import { NFS3 } from './nfs-status.ts'

/** Section 3.3.3. */
export async function lookup(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const name = readFileName(call.args)
  let target: Target | undefined
  try {
    target = call.target(handle)
    const finding = find(target, fileName(name))
    const directory = attributesIfAny(target)
    const found = await finding
    const attributes = await directory
    call.reply.uint32(NFS3.ok)
    call.reply.opaque(encodeHandle({ export: target.export, handle: found.handle }))
    call.writePostAttributes(found.attributes, target.export)
    call.writePostAttributes(attributes, target.export)
  } catch (error) {
    call.refuse(error)
    call.writePostAttributes(await attributesIfAny(target), target?.export)
  }
}

/** The two names that every directory has. Above the root of an export there is nothing but the root. */
async function find({ export: { volume }, handle }: Target, name: string): Promise<VolumeEntry> {
  if (name !== '.' && name !== '..') return volume.lookup(handle, name)
  const itself = { handle, attributes: await volume.attributes(handle) }
  // The volume says that it is no directory, in its own words.
  if (itself.attributes.kind !== 'directory') return volume.lookup(handle, name)
  return name === '.' ? itself : volume.parent(handle)
}

/** Section 3.3.5. */
export async function readLink(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  let target: Target | undefined
  try {
    target = call.target(handle)
    const { volume } = target.export
    const [link, attributes] = await Promise.all([volume.readLink(target.handle), attributesIfAny(target)])
    call.reply.uint32(NFS3.ok)
    call.writePostAttributes(attributes, target.export)
    call.reply.string(link)
  } catch (error) {
    call.refuse(error)
    call.writePostAttributes(await attributesIfAny(target), target?.export)
  }
}

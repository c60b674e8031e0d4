import type { Volume, VolumeEntry, VolumeHandle } from '@dittofs/interface'
import type { DeadProperties } from './dead-properties.ts'
import { entriesOf } from './directory-entries.ts'
import { TRANSFER_BYTES } from './limits.ts'

/** A volume with the properties of its nodes. */
interface Side {
  readonly volume: Volume
  readonly properties: DeadProperties
}

interface CopyTreeOptions {
  readonly from: Side
  readonly source: VolumeEntry
  readonly to: Side
  readonly directory: VolumeHandle
  readonly name: string
  /** Whether what is in a directory is copied too. */
  readonly isDeep: boolean
  readonly signal: AbortSignal
}

/**
 * Copies a node with its properties to a free name. Within a volume no byte of a file is read. Symlinks below the source
 * stay symlinks, so that no circle is walked. When it fails, what was copied is removed again.
 */
export async function copyTree(options: CopyTreeOptions): Promise<VolumeEntry> {
  const { to, directory, name, source } = options
  const copy = await copyNode(options, source, directory, name)
  try {
    if (source.attributes.kind === 'directory' && options.isDeep) await copyBelow(options, source, copy)
  } catch (error) {
    await to.volume.removeTree(directory, name).catch(() => {})
    throw error
  }
  return copy
}

async function copyBelow(options: CopyTreeOptions, source: VolumeEntry, copy: VolumeEntry): Promise<void> {
  // One listing is open on each level: as deep as a path may be.
  for await (const { name, entry } of entriesOf(options.from.volume, source)) {
    options.signal.throwIfAborted()
    const made = await copyNode(options, entry, copy.handle, name)
    if (entry.attributes.kind === 'directory') await copyBelow(options, entry, made)
  }
}

async function copyNode(
  { from, to, signal }: CopyTreeOptions,
  source: VolumeEntry,
  directory: VolumeHandle,
  name: string,
): Promise<VolumeEntry> {
  const { kind, mode, mtimeNs } = source.attributes
  let copy: VolumeEntry
  if (kind === 'directory') copy = await to.volume.makeDirectory(directory, name, mode)
  else if (kind === 'symlink')
    copy = await to.volume.makeSymlink(directory, name, await from.volume.readLink(source.handle))
  else if (from.volume === to.volume) copy = await to.volume.copyFile(source.handle, directory, name)
  else {
    copy = await to.volume.create(directory, name, { mode, rule: 'guarded' })
    try {
      await copyBytes(from.volume, source.handle, to.volume, copy.handle, signal)
      await to.volume.setAttributes(copy.handle, { mtimeNs })
    } catch (error) {
      await to.volume.removeFile(directory, name).catch(() => {})
      throw error
    }
  }
  if (from.properties === to.properties) await to.properties.copy(source.handle, copy.handle)
  else {
    const properties = await from.properties.get(source.handle)
    if (properties.length > 0) await to.properties.update(copy.handle, () => properties)
  }
  return copy
}

async function copyBytes(
  from: Volume,
  source: VolumeHandle,
  to: Volume,
  target: VolumeHandle,
  signal: AbortSignal,
): Promise<void> {
  for (let offset = 0, isDone = false; !isDone; ) {
    const { bytes, isEnd } = await from.read(source, { offset, length: TRANSFER_BYTES, signal })
    if (bytes.length > 0) await to.write(target, bytes, { offset, isStable: false })
    offset += bytes.length
    isDone = isEnd || bytes.length === 0
  }
  await to.commit(target)
}

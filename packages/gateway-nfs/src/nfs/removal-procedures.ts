import { fileName, readFileName } from './file-name.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import type { Target } from './nfs-handle.ts'
import { NFS3, NfsError } from './nfs-status.ts'
import { changeDirectories, changeDirectory, writeNoConsistency } from './weak-cache-consistency.ts'

/** Section 3.3.12. */
export async function removeFile(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const name = readFileName(call.args)
  await changeDirectory(call, handle, async (target) => target.export.volume.removeFile(target.handle, fileName(name)))
}

/** Section 3.3.13. */
export async function removeDirectory(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const name = readFileName(call.args)
  await changeDirectory(call, handle, async (target) =>
    target.export.volume.removeDirectory(target.handle, fileName(name)),
  )
}

/** Section 3.3.14. */
export async function rename(call: NfsCall): Promise<void> {
  const fromHandle = call.readHandle()
  const fromName = readFileName(call.args)
  const toHandle = call.readHandle()
  const toName = readFileName(call.args)
  await changeDirectories(call, [fromHandle, toHandle], async (from, to) => {
    if (from.export !== to.export) throw new NfsError(NFS3.crossDevice)
    await from.export.volume.rename(from.handle, fileName(fromName), to.handle, fileName(toName))
  })
}

/** Section 3.3.15. A file of a space stands in one place. */
export async function link(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  call.readHandle() // the directory
  readFileName(call.args)
  let target: Target | undefined
  try {
    target = call.target(handle)
    throw new NfsError(NFS3.notSupported)
  } catch (error) {
    call.refuse(error)
  }
  call.writePostAttributes(await attributesIfAny(target), target?.export)
  writeNoConsistency(call)
}

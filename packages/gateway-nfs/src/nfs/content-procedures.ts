import { MAX_FILE_BYTES, MAX_TRANSFER_BYTES, type VolumeAttributes } from '@dittofs/interface'
import { XdrError } from '../xdr/xdr-error.ts'
import type { XdrReader } from '../xdr/xdr-reader.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import { NFS3_FHSIZE, type Target } from './nfs-handle.ts'
import { NFS3, NfsError } from './nfs-status.ts'
import { changeNode } from './weak-cache-consistency.ts'

/** Section 3.3.7: stable_how. We make all of a file durable where only its data is asked for. */
const UNSTABLE = 0
const FILE_SYNC = 2
const NOTHING = Buffer.alloc(0)

/** Bytes that the answer to a READ may have. */
export function readReplyBytes(args: XdrReader): number {
  args.opaque(NFS3_FHSIZE)
  args.uint64()
  return Math.min(args.uint32(), MAX_TRANSFER_BYTES)
}

/** Section 3.3.6. */
export async function read(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const offset = call.args.uint64()
  const count = Math.min(call.args.uint32(), MAX_TRANSFER_BYTES)
  let target: Target | undefined
  try {
    target = call.target(handle)
    const reading = readBytes(target, offset, count, call.signal)
    const attributing = attributesIfAny(target)
    const { bytes, isEnd } = await reading
    const attributes = await attributing
    call.reply.uint32(NFS3.ok)
    call.writePostAttributes(attributes, target.export)
    call.reply.uint32(bytes.length)
    call.reply.boolean(isEnd)
    call.reply.gathered(bytes)
  } catch (error) {
    call.refuse(error)
    call.writePostAttributes(await attributesIfAny(target), target?.export)
  }
}

async function readBytes(
  { export: { volume }, handle }: Target,
  offset: bigint,
  length: number,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; isEnd: boolean }> {
  // A volume reads at least one byte, and nothing behind the largest file: what is asked so needs no content.
  if (length > 0 && offset < BigInt(MAX_FILE_BYTES))
    return volume.read(handle, { offset: Number(offset), length, signal })
  const { kind, size } = await volume.attributes(handle)
  if (kind !== 'file') throw new NfsError(kind === 'directory' ? NFS3.isDirectory : NFS3.invalid)
  return { bytes: NOTHING, isEnd: offset >= BigInt(size) }
}

/** Section 3.3.7. */
export async function write(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  const offset = call.args.uint64()
  const count = call.args.uint32()
  const stable = call.args.uint32()
  if (stable > FILE_SYNC) throw new XdrError(`${stable} is no way to write.`)
  const bytes = call.args.opaque(MAX_TRANSFER_BYTES)
  const isStable = stable !== UNSTABLE
  await changeNode(
    call,
    handle,
    async (target) => {
      if (count !== bytes.length) throw new NfsError(NFS3.invalid)
      if (offset + BigInt(count) > BigInt(MAX_FILE_BYTES)) throw new NfsError(NFS3.fileTooBig)
      return writeBytes(call, target, bytes, { offset: Number(offset), isStable })
    },
    (target) => {
      call.reply.uint32(count)
      call.reply.uint32(isStable ? FILE_SYNC : UNSTABLE)
      writeVerifier(call, target)
    },
  )
}

async function writeBytes(
  { context: { dirtyFiles } }: NfsCall,
  target: Target,
  bytes: Buffer,
  options: { offset: number; isStable: boolean },
): Promise<VolumeAttributes> {
  const { volume } = target.export
  const writing = (): Promise<VolumeAttributes> => volume.write(target.handle, bytes, options)
  if (options.isStable) return dirtyFiles.commit(target, writing)
  const written = writing()
  const [result, added] = await Promise.allSettled([written, dirtyFiles.add(target)])
  if (result.status === 'rejected') throw result.reason
  if (added.status === 'rejected') throw added.reason
  return result.value
}

/** Section 3.3.21. The whole file is committed, whatever part of it is asked for. */
export async function commit(call: NfsCall): Promise<void> {
  const handle = call.readHandle()
  call.args.uint64() // offset
  call.args.uint32() // count
  await changeNode(
    call,
    handle,
    (target) => call.context.dirtyFiles.commit(target, () => target.export.volume.commit(target.handle)),
    (target) => writeVerifier(call, target),
  )
}

function writeVerifier(call: NfsCall, target: Target): void {
  call.reply.fixedOpaque(target.export.volume.writeVerifier)
}

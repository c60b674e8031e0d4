import type { VolumeAttributes } from '@dittofs/interface'
import { writePreAttributes } from './nfs-attributes.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import type { Target } from './nfs-handle.ts'
import { NFS3 } from './nfs-status.ts'

/**
 * Attributes of a node right before and right after a change (wcc_data, RFC 1813 2.6). A client keeps its cache where
 * those before are what it knew, so nobody else's change may fall between them: all calls for one change are made without
 * a wait between them, and a volume takes calls in the order in which they are made.
 */
class Watched<T> {
  readonly result: Promise<T>
  readonly #target: Target
  readonly #before: Promise<VolumeAttributes | undefined>
  readonly #after: Promise<VolumeAttributes | undefined>

  /** @param change - calls the volume before its first wait, and throws nothing but rejects */
  constructor(target: Target, change: (target: Target) => Promise<T>) {
    this.#target = target
    this.#before = attributesIfAny(target)
    this.result = change(target)
    this.#after = attributesIfAny(target)
  }

  /** @param after - the attributes after the change, where it gave them itself */
  async write(call: NfsCall, after?: VolumeAttributes): Promise<void> {
    writePreAttributes(call.reply, await this.#before)
    call.writePostAttributes(after ?? (await this.#after), this.#target.export)
  }
}

/** A wcc_data that tells nothing. */
export function writeNoConsistency(call: NfsCall): void {
  call.reply.hyper(0)
}

/**
 * Does one change to one node, and answers: status, wcc_data, and on success what `write` adds.
 *
 * @param change - an async function that calls the volume before its first wait
 */
export async function changeNode(
  call: NfsCall,
  handle: Buffer,
  change: (target: Target) => Promise<VolumeAttributes | undefined>,
  write?: (target: Target) => void,
): Promise<void> {
  let watched: Watched<VolumeAttributes | undefined> | undefined
  try {
    const target = call.writableTarget(handle)
    watched = new Watched(target, change)
    const after = await watched.result
    call.reply.uint32(NFS3.ok)
    await watched.write(call, after)
    write?.(target)
  } catch (error) {
    await refuseChange(call, error, [watched])
  }
}

/**
 * Does one change to a directory's entries, and answers: status, on success what `write` adds, wcc_data.
 *
 * @param change - an async function that calls the volume before its first wait
 */
export async function changeDirectory<T>(
  call: NfsCall,
  handle: Buffer,
  change: (target: Target) => Promise<T>,
  write?: (result: T, target: Target) => void,
): Promise<void> {
  let watched: Watched<T> | undefined
  try {
    const target = call.writableTarget(handle)
    watched = new Watched(target, change)
    const result = await watched.result
    call.reply.uint32(NFS3.ok)
    write?.(result, target)
    await watched.write(call)
  } catch (error) {
    await refuseChange(call, error, [watched])
  }
}

/** Does one change to two directories, and answers: status, wcc_data of the first and of the second. */
export async function changeDirectories(
  call: NfsCall,
  handles: readonly [Buffer, Buffer],
  change: (from: Target, to: Target) => Promise<void>,
): Promise<void> {
  let from: Watched<void> | undefined
  let to: Watched<void> | undefined
  try {
    const source = call.writableTarget(handles[0])
    const goal = call.writableTarget(handles[1])
    // One around the other: the calls of both before the change, then the change, then those after it.
    from = new Watched(source, () => {
      to = new Watched(goal, () => change(source, goal))
      return to.result
    })
    await from.result
    call.reply.uint32(NFS3.ok)
    await from.write(call)
    await to!.write(call)
  } catch (error) {
    await refuseChange(call, error, [from, to])
  }
}

async function refuseChange(
  call: NfsCall,
  error: unknown,
  watched: readonly (Watched<unknown> | undefined)[],
): Promise<void> {
  call.refuse(error)
  for (const one of watched) {
    if (one === undefined) writeNoConsistency(call)
    else await one.write(call)
  }
}

import type { VolumeAttributes } from '@dittofs/interface'
import { writePreAttributes } from './nfs-attributes.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import type { Target } from './nfs-handle.ts'
import { NFS3 } from './nfs-status.ts'

/** Attributes of a node right before and right after a change (wcc_data, RFC 1813 2.6). */
interface Consistency {
  readonly target: Target
  readonly before: VolumeAttributes | undefined
  readonly after: VolumeAttributes | undefined
}

interface Changed<T> {
  readonly outcome: PromiseSettledResult<T>
  readonly consistencies: readonly Consistency[]
}

/**
 * Makes a change between two looks at the nodes that it changes. A client keeps its cache where the attributes before are
 * those it knew, so no other change may fall between them. Those over NFS take turns; and the first look and the change
 * are asked for in one go, so that nothing else of this process comes between.
 *
 * @param change - an async function that calls the volume before its first wait
 */
function watch<T>(call: NfsCall, targets: readonly Target[], change: () => Promise<T>): Promise<Changed<T>> {
  return call.context.turns.take(targets, async () => {
    const looking = Promise.all(targets.map(attributesIfAny))
    const [outcome] = await Promise.allSettled([change()])
    const after = await Promise.all(targets.map(attributesIfAny))
    const before = await looking
    const consistencies = targets.map((target, i) => ({ target, before: before[i], after: after[i] }))
    return { outcome, consistencies }
  })
}

/**
 * Makes a change of directories, side by side with others, so that they may share a transaction. Where another one was
 * under way, attributes before it would make a client take that one's change for its own, and are left out; those after
 * it are left out while another one is.
 *
 * @param change - an async function that calls the volume before its first wait
 */
function watchDirectories<T>(call: NfsCall, targets: readonly Target[], change: () => Promise<T>): Promise<Changed<T>> {
  return call.context.changes.watch(targets, async (company) => {
    const looking = company.isAlone() ? Promise.all(targets.map(attributesIfAny)) : []
    const [outcome] = await Promise.allSettled([change()])
    const after = company.isAlone() ? await Promise.all(targets.map(attributesIfAny)) : []
    const before = await looking
    const wasAlone = company.wasAlone()
    const consistencies = targets.map((target, i) => {
      return { target, before: wasAlone ? before[i] : undefined, after: after[i] }
    })
    return { outcome, consistencies }
  })
}

function writeConsistency(call: NfsCall, { target, before, after }: Consistency): void {
  writePreAttributes(call.reply, before)
  call.writePostAttributes(after, target.export)
}

/** A wcc_data that tells nothing. */
export function writeNoConsistency(call: NfsCall): void {
  call.reply.hyper(0)
}

/** Does one change to one node, and answers: status, wcc_data, and on success what `write` adds. */
export async function changeNode(
  call: NfsCall,
  handle: Buffer,
  change: (target: Target) => Promise<VolumeAttributes | undefined>,
  write?: (target: Target) => void,
): Promise<void> {
  let changed: Changed<VolumeAttributes | undefined> | undefined
  try {
    const target = call.writableTarget(handle)
    changed = await watch(call, [target], () => change(target))
    const after = resultOf(changed)
    call.reply.uint32(NFS3.ok)
    for (const consistency of changed.consistencies) {
      // What the change itself gave is nearer to it than the look after it.
      writeConsistency(call, after === undefined ? consistency : { ...consistency, after })
    }
    write?.(target)
  } catch (error) {
    refuseChange(call, error, changed, 1)
  }
}

/** Does one change to a directory's entries, and answers: status, on success what `write` adds, wcc_data. */
export async function changeDirectory<T>(
  call: NfsCall,
  handle: Buffer,
  change: (target: Target) => Promise<T>,
  write?: (result: T, target: Target) => void,
): Promise<void> {
  let changed: Changed<T> | undefined
  try {
    const target = call.writableTarget(handle)
    changed = await watchDirectories(call, [target], () => change(target))
    const result = resultOf(changed)
    call.reply.uint32(NFS3.ok)
    write?.(result, target)
    for (const consistency of changed.consistencies) writeConsistency(call, consistency)
  } catch (error) {
    refuseChange(call, error, changed, 1)
  }
}

/** Does one change to two directories, and answers: status, wcc_data of the first and of the second. */
export async function changeDirectories(
  call: NfsCall,
  handles: readonly [Buffer, Buffer],
  change: (from: Target, to: Target) => Promise<void>,
): Promise<void> {
  let changed: Changed<void> | undefined
  try {
    const from = call.writableTarget(handles[0])
    const to = call.writableTarget(handles[1])
    changed = await watchDirectories(call, [from, to], () => change(from, to))
    resultOf(changed)
    call.reply.uint32(NFS3.ok)
    for (const consistency of changed.consistencies) writeConsistency(call, consistency)
  } catch (error) {
    refuseChange(call, error, changed, 2)
  }
}

/** @throws what the change was refused with */
function resultOf<T>({ outcome }: Changed<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

/** @param nodes - how many wcc_data the answer has */
function refuseChange(call: NfsCall, error: unknown, changed: Changed<unknown> | undefined, nodes: number): void {
  call.refuse(error)
  if (changed === undefined) for (let node = 0; node < nodes; node++) writeNoConsistency(call)
  else for (const consistency of changed.consistencies) writeConsistency(call, consistency)
}

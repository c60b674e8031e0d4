import { MAX_FILE_BYTES, MAX_NAME_BYTES, MAX_TRANSFER_BYTES, type VolumeAttributes } from '@dittofs/interface'
import { MAX_LISTING_BYTES } from '../limits.ts'
import { attributesIfAny, type NfsCall } from './nfs-context.ts'
import type { Target } from './nfs-handle.ts'
import { NFS3 } from './nfs-status.ts'

/** Sizes that are not multiples of it are served as well. */
const TRANSFER_MULTIPLE = 4096
/** Section 3.3.19: symlinks, the same PATHCONF everywhere, times can be set. Not: hard links. */
const PROPERTIES = 0x02 | 0x08 | 0x10
/** Files that a space has place for, beside those it has. It has no such limit. */
const SPARE_FILES = 2 ** 31

/** Section 3.3.18. */
export async function fileSystemStatistics(call: NfsCall): Promise<void> {
  await tell(call, async ({ export: { volume } }) => {
    const { totalBytes, freeBytes, files } = await volume.statistics()
    return () => {
      call.reply.hyper(totalBytes)
      call.reply.hyper(freeBytes)
      call.reply.hyper(freeBytes)
      call.reply.hyper(files + SPARE_FILES)
      call.reply.hyper(SPARE_FILES)
      call.reply.hyper(SPARE_FILES)
      call.reply.uint32(0) // invarsec: it may have changed already
    }
  })
}

/** Section 3.3.19. */
export async function fileSystemInformation(call: NfsCall): Promise<void> {
  await tell(call, async () => () => {
    for (let direction = 0; direction < 2; direction++) {
      call.reply.uint32(MAX_TRANSFER_BYTES) // at most
      call.reply.uint32(MAX_TRANSFER_BYTES) // preferred
      call.reply.uint32(TRANSFER_MULTIPLE)
    }
    call.reply.uint32(MAX_LISTING_BYTES)
    call.reply.hyper(MAX_FILE_BYTES)
    call.reply.uint32(0) // time_delta: to one nanosecond
    call.reply.uint32(1)
    call.reply.uint32(PROPERTIES)
  })
}

/** Section 3.3.20. */
export async function pathConfiguration(call: NfsCall): Promise<void> {
  await tell(call, async () => () => {
    call.reply.uint32(1) // linkmax
    call.reply.uint32(MAX_NAME_BYTES)
    call.reply.boolean(true) // no_trunc: longer names are refused
    call.reply.boolean(true) // chown_restricted
    call.reply.boolean(false) // case_insensitive
    call.reply.boolean(true) // case_preserving
  })
}

/** Answers with the node's attributes and what `ask` found. */
async function tell(call: NfsCall, ask: (target: Target) => Promise<() => void>): Promise<void> {
  const handle = call.readHandle()
  let target: Target | undefined
  let attributes: VolumeAttributes | undefined
  try {
    target = call.target(handle)
    attributes = await target.export.volume.attributes(target.handle)
    const write = await ask(target)
    call.reply.uint32(NFS3.ok)
    call.writePostAttributes(attributes, target.export)
    write()
  } catch (error) {
    call.refuse(error)
    call.writePostAttributes(attributes ?? (await attributesIfAny(target)), target?.export)
  }
}

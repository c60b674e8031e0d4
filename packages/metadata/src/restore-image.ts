import { DirectoryLedger, keepLedger } from './directory-ledger.ts'
import { evaluatedDirectories } from './evaluated-directories.ts'
import type { Writer } from './event.ts'
import type { IndexImage } from './index-image.ts'
import type { NodeState } from './node-state.ts'
import { decodeRecord } from './record-codec.ts'
import type { LogEntry } from './space-index.ts'
import type { SpaceReplica } from './space-replica.ts'
import { UnreadLeaves } from './unread-leaves.ts'

/** Entries read in one step: about a millisecond. */
const ENTRIES_PER_STEP = 100
const DIRECTORIES_PER_STEP = 1000

/**
 * Makes the index of a replica, whose document alone was loaded, what it was when the image was made; entries beyond
 * the image are not read.
 *
 * @returns whether the image fits what the document holds; where it does not, the replica is of no use
 */
export function* restoreImage(replica: SpaceReplica, image: IndexImage): Generator<void, boolean> {
  const { document, index } = replica
  const { logs, leaves } = image
  if (logs.some(({ writer, clock }) => document.clockOf(writer) < clock)) return false
  for (const { writer, eager } of logs) {
    for (let at = 0; at < eager.length; at += ENTRIES_PER_STEP) {
      index.add(eager.slice(at, at + ENTRIES_PER_STEP).map((clock) => entryAt(replica, writer, clock)))
      yield
    }
  }
  index.ignoredEntries = image.ignoredEntries
  const places: { directory: NodeState; bucketCount: number }[] = []
  for (const { id, bucketCount } of image.directories) {
    const directory = index.nodes.get(id)
    if (directory === undefined) return false
    places.push({ directory, bucketCount })
    if (places.length % DIRECTORIES_PER_STEP === 0) yield
  }
  const held = new Map<Writer, number>()
  for (const log of logs) if (log.held !== undefined) held.set(log.writer, log.held)
  const unread = new UnreadLeaves(leaves, ({ writer, clock }) => document.entryAt(writer, clock))
  yield* index.addUnread(unread, places, held)
  for (const { writer, sums } of logs) if (sums !== undefined) replica.restoreLogSums(writer, sums)
  return yield* restoreSummaries(replica, image)
}

function entryAt({ document }: SpaceReplica, writer: Writer, clock: number): LogEntry {
  const text = document.entryAt(writer, clock)
  if (text === undefined) return { writer, clock, record: undefined }
  return { writer, clock, record: decodeRecord(text), text }
}

function* restoreSummaries({ index, view }: SpaceReplica, { summaries }: IndexImage): Generator<void, boolean> {
  let at = 0
  let isFitting = true
  const steps = evaluatedDirectories(view, ({ members }) => {
    const known = summaries[at]
    at += 1
    if (known?.node !== members[0]?.node.id || known?.memberCount !== members.length) isFitting = false
    if (!isFitting || known?.summary === undefined) return
    const ledger = new DirectoryLedger(members)
    ledger.restore(known.summary)
    keepLedger(ledger)
  })
  for (const _ of steps) {
    if (!isFitting) return false
    yield
  }
  // Whatever lies above a directory counts it as it is: the next change is told upwards.
  let count = 0
  for (const directory of index.directories) {
    directory.isStale = false
    count += 1
    if (count % DIRECTORIES_PER_STEP === 0) yield
  }
  return isFitting && at === summaries.length
}

import { ChunkCache } from './chunk-cache.ts'
import { ContentLayout } from './content-layout.ts'
import { ContentReader } from './content-reader.ts'
import { EntryFinder } from './entry-finder.ts'
import { FileCommitter } from './file-committer.ts'
import { GroupedChanges } from './grouped-changes.ts'
import { HeldBytes } from './held-bytes.ts'
import { Listings } from './listings.ts'
import { MissingContent } from './missing-content.ts'
import { NodeTimes } from './node-times.ts'
import { OpenFiles } from './open-files.ts'
import { ReadAhead } from './read-ahead.ts'
import { TreeChanges } from './tree-changes.ts'
import { Turns } from './turns.ts'
import {
  DEFAULT_CACHE_BYTES,
  DEFAULT_FETCH_TIMEOUT_MS,
  DEFAULT_MAX_DIRTY_BYTES,
  DEFAULT_MAX_DIRTY_MS,
  DEFAULT_QUIET_MS,
  DEFAULT_READ_AHEAD_BYTES,
  type VolumeInit,
} from './volume-init.ts'
import { WholeContents } from './whole-contents.ts'

/** What a volume is made of. */
export interface VolumeParts {
  readonly finder: EntryFinder
  readonly times: NodeTimes
  readonly listings: Listings
  readonly changes: GroupedChanges
  readonly tree: TreeChanges
  readonly reader: ContentReader
  readonly held: HeldBytes
  readonly files: OpenFiles
  readonly committer: FileCommitter
  readonly contents: WholeContents
  readonly turns: Turns
  readonly nowNs: () => bigint
}

/**
 * @param signal - aborted when the volume closes
 * @param assertWritable - throws DittoError DITTO_ROLE
 */
export function volumeParts(init: VolumeInit, signal: AbortSignal, assertWritable: () => void): VolumeParts {
  const { metadata, store, readManifest, spliceContent, chunker, clock, randomBytes, logger, spool } = init
  const { space } = metadata
  const nowNs = growingTime(init)
  const missing = new MissingContent({
    fetchChunks: init.fetchChunks,
    clock,
    timeoutMs: init.fetchTimeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS,
    signal,
  })
  const layout = new ContentLayout({ store, space, readManifest, fetch: (ids, options) => missing.fetch(ids, options) })
  const cache = new ChunkCache({ store, space, missing, maxBytes: init.cacheBytes ?? DEFAULT_CACHE_BYTES })
  const ahead = new ReadAhead(init.readAheadBytes ?? DEFAULT_READ_AHEAD_BYTES)
  const reader = new ContentReader({ layout, cache, ahead })
  const finder = new EntryFinder(metadata)
  const times = new NodeTimes(nowNs)
  const turns = new Turns()
  const changes = new GroupedChanges(metadata, () => times.treeChanged())
  const files: OpenFiles = new OpenFiles({
    ...{ clock, randomBytes, logger, reader, spool },
    quietMs: init.quietMs ?? DEFAULT_QUIET_MS,
    maxDirtyMs: init.maxDirtyMs ?? DEFAULT_MAX_DIRTY_MS,
    maxDirtyBytes: init.maxDirtyBytes ?? DEFAULT_MAX_DIRTY_BYTES,
    isShown: ({ handle }) => finder.find(handle) !== undefined,
    commit: (handle) =>
      turns.share(handle, async () => {
        const file = files.get(handle)
        if (file !== undefined) await committer.commit(file)
      }),
  })
  const guard = init.guard ?? ((work) => work())
  const committer = new FileCommitter({
    ...{ metadata, changes, store, spliceContent, chunker, missing, finder, times },
    guard,
    files: () => files,
    assertWritable,
  })
  const tree = new TreeChanges({ metadata, changes, finder, times, nowNs })
  const held = new HeldBytes({ store, space, readManifest, clock, signal })
  return {
    ...{ finder, times, reader, files, committer, turns, changes, tree, held, nowNs },
    listings: new Listings(metadata, times),
    contents: new WholeContents({
      ...{ metadata, store, spliceContent, chunker, guard, committer, finder, files, tree, held, nowNs },
    }),
  }
}

/** The clock's time, a nanosecond later each time at least: whoever compares times sees every change. */
function growingTime({ clock }: VolumeInit): () => bigint {
  let last = 0n
  return () => {
    const now = BigInt(Math.round(clock.now() * 1000)) * 1000n
    last = now > last ? now : last + 1n
    return last
  }
}

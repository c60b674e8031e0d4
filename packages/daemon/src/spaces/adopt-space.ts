import type {
  AbortOptions,
  Action,
  AdoptResult,
  ChunkId,
  ChunkStore,
  Clock,
  FileContent,
  ProgressOptions,
  ReadManifest,
  SpaceId,
  TreeEntry,
} from '@dittofs/interface'
import { neededChunks } from '../content/needed-chunks.ts'
import type { DeviceParts } from '../device-parts.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import { checkSpaceName } from './create-space.ts'
import type { OpenSpace } from './open-space.ts'

type Parts = FillSpaceInit & Pick<DeviceParts, 'spaces' | 'label' | 'gate' | 'report' | 'network'>

/**
 * Makes a space of what another one shows here, with this device as its only member. The other stays as it is. The new
 * space is there whole or, after a failure or a crash, not at all.
 *
 * @throws DittoError DITTO_USAGE (no name for a space), DITTO_EXISTS (this device has one of that name), DITTO_IO,
 *   DITTO_NO_SPACE
 */
export async function adoptSpace(
  parts: Parts,
  from: OpenSpace,
  options: ProgressOptions & { as?: string } = {},
): Promise<AdoptResult> {
  const { spaces, label, gate, report, network } = parts
  const name = options.as ?? spaces.freeName(from.name)
  checkSpaceName(spaces, name)
  return gate.share(async () => {
    let skipped: AdoptResult['skipped'] = []
    const space = await spaces.createWhole(name, from.membership.chunker, label.name, async (made) => {
      skipped = await fillSpace(parts, from, made, options)
    })
    network?.secretsChanged()
    return { space: await report.space(space), skipped }
  }, options)
}

/** Actions of one commit. */
const MAX_ACTIONS = 1000
/** IDs asked of the store at a time. */
const IDS_PER_QUESTION = 1024

interface FillSpaceInit {
  store: ChunkStore
  readManifest: ReadManifest
  clock: Clock
}

/**
 * Puts what one space shows into another, empty one: new nodes of the same content, conflict copies as files of their
 * own. Nothing is copied: a chunk that is held is read, verified, and becomes available in the other space as well.
 *
 * Order of writes: a batch's chunks are durable before the metadata that names them.
 *
 * @returns what was left out, because nobody in the new space could ever give its missing bytes
 * @throws DittoError DITTO_IO, DITTO_NO_SPACE; the signal's reason
 */
async function fillSpace(
  init: FillSpaceInit,
  from: OpenSpace,
  to: OpenSpace,
  options: ProgressOptions = {},
): Promise<AdoptResult['skipped']> {
  const { store, clock } = init
  const leftOut: AdoptResult['skipped'][number][] = []
  const progress = new ProgressReporter(clock, options.onProgress)
  const { files, bytes } = from.metadata.counts()
  progress.begin('add', { files, bytes })
  let actions: Action[] = []
  const commit = async () => {
    await store.flush()
    await to.metadata.transact(actions)
    actions = []
  }
  for await (const entries of from.metadata.walk('', options)) {
    for (const entry of entries) {
      options.signal?.throwIfAborted()
      const isWhole = entry.file === undefined || (await shareChunks(init, from.id, to.id, entry.file, options))
      progress.advance({ current: entry.path, ...(entry.file && { files: 1, bytes: entry.file.size }) })
      const action = isWhole ? actionFor(entry) : undefined
      if (!isWhole) {
        leftOut.push({ path: entry.path, code: 'DITTO_CHUNK_MISSING', reason: 'its bytes are not all on this device' })
      }
      if (action !== undefined) actions.push(action)
      if (actions.length >= MAX_ACTIONS) await commit()
    }
  }
  if (actions.length > 0) await commit()
  progress.finish()
  return leftOut
}

/** @returns whether all of the file's chunks are held and available in both spaces now */
async function shareChunks(
  { store, readManifest }: FillSpaceInit,
  from: SpaceId,
  to: SpaceId,
  file: FileContent,
  options: AbortOptions,
): Promise<boolean> {
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  for await (const ids of neededChunks(store, readManifest, from, file, signal)) {
    for (let at = 0; at < ids.length; at += IDS_PER_QUESTION) {
      const asked = ids.slice(at, at + IDS_PER_QUESTION)
      for await (const batch of store.getMany(from, asked, signal)) {
        const chunks = batch.flatMap(({ index, bytes }) =>
          bytes === undefined ? [] : [{ id: asked[index] as ChunkId, bytes }],
        )
        if (chunks.length < batch.length) return false
        // What is held already is only marked; `flush` makes that durable.
        await store.put(to, chunks, { ...signal, durability: 'none' })
      }
    }
  }
  return true
}

/** Of a directory that was only ever named by what lies in it. */
const PLAIN_DIRECTORY = { mode: 0o755, mtimeNs: 0n }

function actionFor({ path, file, symlink, directory = PLAIN_DIRECTORY }: TreeEntry): Action | undefined {
  if (path === '') return undefined
  if (file !== undefined) return { type: 'write', path, file }
  return symlink === undefined ? { type: 'mkdir', path, directory } : { type: 'symlink', path, symlink }
}

import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import nodePath from 'node:path'
import {
  type ChunkId,
  type DeviceKey,
  DittoError,
  type ExportOptions,
  type ExportResult,
  type TreeEntry,
} from '@dittofs/interface'
import { BUNDLE_ID_BYTES, deviceId } from '@dittofs/link'
import { fromSystemError } from '@dittofs/live-folder'
import { neededChunks } from '../content/needed-chunks.ts'
import type { DeviceParts } from '../device-parts.ts'
import { findMember } from '../pairing/remove-member.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { UnfinishedExport } from './bundle-table.ts'
import { BundleWriter } from './bundle-writer.ts'

/** The first message of a device that holds nothing: sync step 1 with an empty state vector. */
const HELLO_OF_NOTHING = Uint8Array.of(0, 1, 0)
const IDS_PER_QUESTION = 1024

type Parts = Pick<
  DeviceParts,
  'bundles' | 'clock' | 'gate' | 'identity' | 'knownStates' | 'randomBytes' | 'readManifest' | 'store'
>

/**
 * Writes what another member of a space lacks to a file: statements, what changed since it was last known to hold all,
 * and the chunks of the versions that are new to it. Chunks on the way are kept from the collector.
 *
 * @throws DittoError as `Device.exportBundle`
 */
export async function exportBundle(
  parts: Parts,
  space: OpenSpace,
  target: string,
  options: ExportOptions & { signal: AbortSignal },
): Promise<ExportResult> {
  const { bundles, clock, gate, identity, knownStates, randomBytes } = parts
  const { signal, all = false } = options
  const device = findMember(
    space.membership.members().map(({ key }) => key),
    options.device,
  )
  if (device === identity.key) {
    throw new DittoError('DITTO_USAGE', 'A bundle is for another device; this one holds what is in it already.')
  }
  const name = space.membership.members().find(({ key }) => key === device)?.name ?? ''
  await bundles.prune(clock.now())
  const file = await fileFor(target, space, name)
  const known = all ? undefined : await knownStates.get(space.id, device)
  const begun = await bundles.getExport(file)
  const { handle, state } = await openFile(file, begun, {
    bundle: Buffer.from(randomBytes(BUNDLE_ID_BYTES)).toString('hex'),
    ...{ space: space.id, device, all, parts: 0, offset: 0, chunks: 0, at: clock.now() },
  })
  try {
    if (begun !== undefined && begun.bundle !== state.bundle) await bundles.deleteExport(file, begun)
    await bundles.putExport(file, state, [])
    const writer = new BundleWriter(
      { handle, file, table: bundles, sender: identity, randomBytes, now: () => clock.now() },
      state,
    )
    const missingChunks = await gate.share(() => writeAll(parts, space, device, known, writer, options), { signal })
    return {
      file,
      space: { id: space.id, name: space.name },
      device: { id: deviceId(device), name },
      isWhole: known === undefined,
      isResumed: state.parts > 0,
      ...{ parts: writer.parts, bytes: writer.bytes, chunks: writer.chunks, missingChunks },
    }
  } catch (error) {
    throw fromSystemError(error, `write ${JSON.stringify(file)}`)
  } finally {
    await handle.close()
  }
}

async function writeAll(
  parts: Parts,
  space: OpenSpace,
  device: DeviceKey,
  known: Uint8Array | undefined,
  writer: BundleWriter,
  options: ExportOptions & { signal: AbortSignal },
): Promise<number> {
  const { clock } = parts
  const { signal } = options
  const { metadata, membership } = space
  const hello = known ?? HELLO_OF_NOTHING
  const isNew = metadata.newTo(hello)
  const progress = new ProgressReporter(clock, options.onProgress)
  progress.begin('export')
  await writer.add({ type: 'start', space: space.id })
  for (const bytes of membership.statements()) await writer.add({ type: 'statement', bytes })
  // What a reader holds it may not pass on, and nobody would take it.
  const isWriter = membership.role(parts.identity.key) === 'full'
  for (const message of isWriter ? await metadata.receive(hello, device, false) : []) {
    signal.throwIfAborted()
    await writer.add({ type: 'metadata', message })
  }
  let missing = 0
  for await (const entries of metadata.walk('', { signal })) {
    for (const entry of entries) {
      if (entry.file === undefined || (entry.version !== undefined && !isNew(entry.version))) continue
      missing += await writeFile(parts, space, entry, writer, progress, signal)
      progress.advance({ files: 1, current: entry.path })
    }
  }
  await writer.finish()
  progress.finish()
  return missing
}

/** @returns chunks that are not here */
async function writeFile(
  { store, readManifest }: Parts,
  space: OpenSpace,
  { file }: TreeEntry,
  writer: BundleWriter,
  progress: ProgressReporter,
  signal: AbortSignal,
): Promise<number> {
  if (file === undefined) return 0
  let missing = 0
  for await (const needed of neededChunks(store, readManifest, space.id, file, { signal })) {
    for (let at = 0; at < needed.length; at += IDS_PER_QUESTION) {
      const ids: ChunkId[] = await writer.lacking(needed.slice(at, at + IDS_PER_QUESTION))
      for await (const batch of store.getMany(space.id, ids, { signal })) {
        for (const { index, bytes } of batch) {
          const id = ids[index]
          if (bytes === undefined || id === undefined) {
            missing++
            continue
          }
          await writer.add({ type: 'chunk', chunk: { id, bytes } })
          progress.advance({ bytes: bytes.length })
        }
      }
    }
  }
  return missing
}

/** In a directory a name that says what it is, the same each time, so that a bundle that was begun is found. */
async function fileFor(target: string, space: OpenSpace, device: string): Promise<string> {
  const found = await stat(target).catch(() => undefined)
  const plain = (text: string) => text.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '')
  const name = `${plain(space.name) || 'space'}-for-${plain(device) || 'device'}.dittofs`
  const file = found?.isDirectory() === true ? nodePath.join(target, name) : target
  const parent = await realpath(nodePath.dirname(file)).catch((error: unknown) => {
    throw fromSystemError(error, `write to ${JSON.stringify(nodePath.dirname(file))}`)
  })
  return nodePath.join(parent, nodePath.basename(file))
}

/** Opens a new file, or goes on with one that this device has begun for the same. */
async function openFile(
  file: string,
  begun: UnfinishedExport | undefined,
  fresh: UnfinishedExport,
): Promise<{ handle: FileHandle; state: UnfinishedExport }> {
  const isSame =
    begun?.space === fresh.space && begun.device === fresh.device && begun.all === fresh.all ? begun : undefined
  const noFollow = constants.O_NOFOLLOW ?? 0
  try {
    if (begun !== undefined) {
      const handle = await open(file, constants.O_RDWR | noFollow).catch(() => undefined)
      if (handle !== undefined) {
        const { size } = await handle.stat()
        const head = Buffer.alloc(25)
        const { bytesRead } = await handle.read(head, 0, head.length, 0)
        const isOurs = bytesRead < 25 || head.subarray(9, 25).toString('hex') === begun.bundle
        if (isOurs) {
          const state = isSame !== undefined && size >= isSame.offset ? isSame : fresh
          await handle.truncate(state.offset)
          return { handle, state }
        }
        await handle.close()
      }
    }
    return {
      handle: await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | noFollow, 0o600),
      state: fresh,
    }
  } catch (error) {
    throw fromSystemError(error, `write ${JSON.stringify(file)}`)
  }
}

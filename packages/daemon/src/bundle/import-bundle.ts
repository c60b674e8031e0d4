import { type FileHandle, open } from 'node:fs/promises'
import {
  type Chunk,
  type DeviceKey,
  DittoError,
  type ImportBundleResult,
  type ProgressOptions,
} from '@dittofs/interface'
import { decodePartHeader, deviceId, isPartFor, openPart, PART_HEADER_BYTES, type PartHeader } from '@dittofs/link'
import { fromSystemError } from '@dittofs/live-folder'
import type { DeviceParts } from '../device-parts.ts'
import { roomOf } from '../limits/disk-reserve.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { type BundleRecord, decodeRecords } from './bundle-record.ts'
import type { UnfinishedImport } from './bundle-table.ts'
import { WantedChunks } from './wanted-chunks.ts'

/** What was taken is made durable and noted so often: after a stop at most so much is read again. */
const PARTS_PER_NOTE = 32
/** Bytes taken between one look at the disk and the next: others write to it too. */
const ROOM_PER_LOOK_BYTES = 64 * 1024 * 1024

type Parts = Pick<
  DeviceParts,
  'bundles' | 'clock' | 'config' | 'gate' | 'home' | 'identity' | 'onImported' | 'readManifest' | 'spaces' | 'store'
>

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
type Counts = Writable<Pick<ImportBundleResult, 'parts' | 'bytes' | 'statements' | 'newChunks' | 'newBytes'>>

/**
 * Takes a bundle part by part, each checked before anything of it is kept, and by the same rules as what comes over a
 * link: who made it must be a member, only a full member changes the space, every chunk is checked against its ID. Of
 * the chunks those are stored that a file names of what came before them; the others are left.
 *
 * @throws DittoError as `Device.importBundle`
 */
export async function importBundle(
  parts: Parts,
  file: string,
  options: ProgressOptions & { signal: AbortSignal },
): Promise<ImportBundleResult> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw fromSystemError(error, `read ${JSON.stringify(file)}`)
  })
  const run = new BundleImport(parts, handle, options)
  try {
    return await parts.gate.share(() => run.run().finally(() => run.end()), options)
  } catch (error) {
    throw fromSystemError(error, `read ${JSON.stringify(file)}`)
  } finally {
    await handle.close()
  }
}

class BundleImport {
  readonly #parts: Parts
  readonly #handle: FileHandle
  readonly #signal: AbortSignal
  readonly #progress: ProgressReporter
  readonly #counts: Counts = { parts: 0, bytes: 0, statements: 0, newChunks: 0, newBytes: 0 }
  #space: OpenSpace | undefined
  #sender: DeviceKey | undefined
  #roomBytes = 0
  /** Hex of its ID. */
  #bundle = ''
  #wanted: WantedChunks | undefined
  /** Whether the files of the space are those that {@link WantedChunks} looked at. */
  #isWantedKnown = false
  /** Chunks that nothing named when they were read. */
  #leftChunks = 0

  constructor(parts: Parts, handle: FileHandle, options: ProgressOptions & { signal: AbortSignal }) {
    this.#parts = parts
    this.#handle = handle
    this.#signal = options.signal
    this.#progress = new ProgressReporter(parts.clock, options.onProgress)
  }

  /** Forgets what only the run needs. */
  async end(): Promise<void> {
    await this.#wanted?.end()
  }

  async run(): Promise<ImportBundleResult> {
    const { bundles, clock, identity, onImported, spaces, store } = this.#parts
    await bundles.prune(clock.now())
    const { size } = await this.#handle.stat()
    this.#progress.begin('import', { bytes: size })
    const first = await this.#header(0)
    if (!isPartFor(first, identity.key)) {
      throw new DittoError('DITTO_BUNDLE_FOREIGN', 'The bundle is for another device: only that one can read it.')
    }
    this.#bundle = Buffer.from(first.bundle).toString('hex')
    const noted = await bundles.getImport(this.#bundle)
    this.#space = noted === undefined ? undefined : spaces.get(noted.space)
    const isResumed = noted !== undefined && this.#space !== undefined
    if (isResumed) {
      this.#sender = noted.sender
      this.#leftChunks = noted.leftChunks ?? 0
      this.#checkSender()
    }
    await this.#takeParts(first, isResumed ? noted : { parts: 0, offset: 0 })
    await this.#takeLeftChunks(first)
    await store.flush()
    await bundles.deleteImport(this.#bundle)
    const { space, sender } = this.#required()
    onImported(space)
    this.#progress.finish()
    const name = space.membership.members().find(({ key }) => key === sender)?.name ?? ''
    return {
      space: { id: space.id, name: space.name },
      device: { id: deviceId(sender), name },
      isResumed,
      ...this.#counts,
    }
  }

  async #takeParts(first: PartHeader, { parts, offset }: Pick<UnfinishedImport, 'parts' | 'offset'>): Promise<void> {
    this.#progress.advance({ bytes: offset })
    for await (const { records, end, isLast } of this.#partsFrom(first, parts, offset)) {
      const bytes = end - offset
      offset = end
      parts++
      if (this.#space === undefined) this.#begin(records[0])
      await this.#takeStatements(records)
      this.#checkSender()
      await this.#takeMetadata(records)
      this.#leftChunks += await this.#takeChunks(records)
      this.#counts.parts++
      this.#counts.bytes += bytes
      this.#progress.advance({ bytes })
      if (!isLast && this.#counts.parts % PARTS_PER_NOTE === 0) await this.#note(parts, offset)
    }
  }

  /**
   * Whoever wrote the bundle put each chunk in once, behind the first file that names it; if the space here has no such
   * file, a later one may name it.
   */
  async #takeLeftChunks(first: PartHeader): Promise<void> {
    if (this.#leftChunks === 0 || (await this.#wanted?.areLeft()) !== true) return
    for await (const { records } of this.#partsFrom(first, 0, 0)) await this.#takeChunks(records)
  }

  /** Each part from one on, checked, with the place where it ends in the file. */
  async *#partsFrom(
    first: PartHeader,
    index: number,
    offset: number,
  ): AsyncGenerator<{ readonly records: readonly BundleRecord[]; readonly end: number; readonly isLast: boolean }> {
    for (let isLast = false; !isLast; index++) {
      this.#signal.throwIfAborted()
      const header = await this.#header(offset)
      if (Buffer.compare(header.bundle, first.bundle) !== 0 || header.index !== index) {
        throw damaged('its parts are not in order, or are of several bundles')
      }
      const sealed = await this.#read(offset + PART_HEADER_BYTES, header.length)
      const { sender, content } = openPart(this.#parts.identity, header, sealed)
      if (this.#sender !== undefined && sender !== this.#sender) throw damaged('its parts are of several devices')
      this.#sender = sender
      offset += PART_HEADER_BYTES + header.length
      ;({ isLast } = header)
      yield { records: decodeRecords(content), end: offset, isLast }
    }
  }

  #begin(record: BundleRecord | undefined): void {
    if (record?.type !== 'start') throw damaged('it has no beginning')
    const space = this.#parts.spaces.get(record.space)
    if (space?.membership.role(this.#parts.identity.key) === undefined) {
      throw new DittoError('DITTO_NOT_A_MEMBER', 'This device is no member of the space that the bundle is of.')
    }
    this.#space = space
  }

  /** Signed by whoever made them, so they count whoever brings them, as over a link. */
  async #takeStatements(records: readonly BundleRecord[]): Promise<void> {
    const { space, sender } = this.#required()
    const statements = records.flatMap((record) => (record.type === 'statement' ? [record.bytes] : []))
    if (statements.length === 0 || space.membership.wasRemoved(sender)) return
    this.#counts.statements += await space.membership.receive(statements)
  }

  #checkSender(): void {
    const { space, sender } = this.#required()
    if (space.membership.role(sender) !== undefined) return
    throw new DittoError(
      'DITTO_NOT_A_MEMBER',
      `The device that made the bundle, ${deviceId(sender)}, is no member of ${JSON.stringify(space.name)}; nothing more of it was taken.`,
    )
  }

  async #takeMetadata(records: readonly BundleRecord[]): Promise<void> {
    const { space, sender } = this.#required()
    const isWriter = space.membership.role(sender) === 'full'
    const before = space.metadata.hello()
    for (const record of records) {
      if (record.type !== 'metadata') continue
      // What it answers would be for a peer that listens.
      await space.metadata.receive(record.message, sender, isWriter)
    }
    if (Buffer.compare(before, space.metadata.hello()) !== 0) this.#isWantedKnown = false
  }

  /** @returns how many chunks nothing names that is here */
  async #takeChunks(records: readonly BundleRecord[]): Promise<number> {
    const { store } = this.#parts
    const { space } = this.#required()
    let left = records.flatMap((record) => (record.type === 'chunk' ? [record.chunk] : []))
    if (left.length === 0) return 0
    const wanted = await this.#wantedChunks()
    // A node of a manifest that is stored may name others of the same part: as often as a manifest has levels.
    for (;;) {
      const areWanted = await wanted.areWanted(left.map(({ id }) => id))
      const fresh = left.filter((_, index) => areWanted[index] === true)
      if (fresh.length === 0) break
      left = left.filter((_, index) => areWanted[index] !== true)
      const ids = fresh.map(({ id }) => id)
      await this.#store(fresh)
      await wanted.stored(ids, { signal: this.#signal })
    }
    const held = await store.has(
      space.id,
      left.map(({ id }) => id),
    )
    return held.filter((isHeld) => !isHeld).length
  }

  async #wantedChunks(): Promise<WantedChunks> {
    const { bundles: table, store, readManifest } = this.#parts
    this.#wanted ??= new WantedChunks({
      ...{ table, bundle: this.#bundle, store, readManifest, space: this.#required().space },
    })
    if (!this.#isWantedKnown) await this.#wanted.begin({ signal: this.#signal })
    this.#isWantedKnown = true
    return this.#wanted
  }

  async #store(fresh: readonly Chunk[]): Promise<void> {
    const { store } = this.#parts
    const { space } = this.#required()
    // Before the store takes the bytes over.
    const freshBytes = fresh.reduce((sum, { bytes }) => sum + bytes.length, 0)
    await this.#makeSureOfRoom(freshBytes)
    const corrupt = await store.put(space.id, [...fresh], { durability: 'none', signal: this.#signal })
    if (corrupt.length > 0) {
      throw new DittoError(
        'DITTO_CHUNK_CORRUPT',
        `${corrupt.length} chunks of the bundle do not match their IDs, as the device made it; verify that device and export again.`,
      )
    }
    this.#counts.newChunks += fresh.length
    this.#counts.newBytes += freshBytes
  }

  /** Bundles are made by others: like what comes over a link, they leave free on the disk what is to stay free. */
  async #makeSureOfRoom(bytes: number): Promise<void> {
    const { config, home } = this.#parts
    this.#roomBytes -= bytes
    if (this.#roomBytes >= 0) return
    // What was reckoned with is used up, or the disk was not looked at yet.
    this.#roomBytes = Math.min(await roomOf(home.path, config.reserve), ROOM_PER_LOOK_BYTES) - bytes
    if (this.#roomBytes >= 0) return
    throw new DittoError(
      'DITTO_NO_SPACE',
      'Less would stay free on the disk than "reserve" in config.toml keeps; free some of it and import again: it goes on where it stopped.',
    )
  }

  async #note(parts: number, offset: number): Promise<void> {
    const { space, sender } = this.#required()
    await this.#parts.store.flush()
    await this.#parts.bundles.putImport(this.#bundle, {
      ...{ space: space.id, sender, parts, offset, leftChunks: this.#leftChunks, at: this.#parts.clock.now() },
    })
  }

  async #header(offset: number): Promise<PartHeader> {
    return decodePartHeader(await this.#read(offset, PART_HEADER_BYTES))
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#handle.read(bytes, at, length - at, offset + at)
      if (bytesRead === 0) {
        throw damaged('it was cut; what came before the cut was taken. Copy it again, or go on with the export')
      }
      at += bytesRead
    }
    return bytes
  }

  #required(): { space: OpenSpace; sender: DeviceKey } {
    if (this.#space === undefined || this.#sender === undefined) throw damaged('it has no beginning')
    return { space: this.#space, sender: this.#sender }
  }
}

function damaged(why: string): DittoError {
  return new DittoError('DITTO_BUNDLE_DAMAGED', `The bundle cannot be read: ${why}.`)
}

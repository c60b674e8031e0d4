import { type FileHandle, open } from 'node:fs/promises'
import { type DeviceKey, DittoError, type ImportBundleResult, type ProgressOptions } from '@dittofs/interface'
import { decodePartHeader, deviceId, isPartFor, openPart, PART_HEADER_BYTES, type PartHeader } from '@dittofs/link'
import { fromSystemError } from '@dittofs/live-folder'
import type { DeviceParts } from '../device-parts.ts'
import { roomOf } from '../limits/disk-reserve.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { type BundleRecord, decodeRecords } from './bundle-record.ts'

/** What was taken is made durable and noted so often: after a stop at most so much is read again. */
const PARTS_PER_NOTE = 32
/** Bytes taken between one look at the disk and the next: others write to it too. */
const ROOM_PER_LOOK_BYTES = 64 * 1024 * 1024

type Parts = Pick<
  DeviceParts,
  'bundles' | 'clock' | 'config' | 'gate' | 'home' | 'identity' | 'onImported' | 'spaces' | 'store'
>

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
type Counts = Writable<Pick<ImportBundleResult, 'parts' | 'bytes' | 'statements' | 'newChunks' | 'newBytes'>>

/**
 * Takes a bundle part by part, each checked before anything of it is kept, and by the same rules as what comes over a
 * link: who made it must be a member, only a full member changes the space, every chunk is checked against its ID.
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
  try {
    const run = new BundleImport(parts, handle, options)
    return await parts.gate.share(() => run.run(), options)
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

  constructor(parts: Parts, handle: FileHandle, options: ProgressOptions & { signal: AbortSignal }) {
    this.#parts = parts
    this.#handle = handle
    this.#signal = options.signal
    this.#progress = new ProgressReporter(parts.clock, options.onProgress)
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
    const bundle = Buffer.from(first.bundle).toString('hex')
    const noted = await bundles.getImport(bundle)
    let index = noted?.parts ?? 0
    let offset = noted?.offset ?? 0
    this.#sender = noted?.sender
    this.#space = noted === undefined ? undefined : spaces.get(noted.space)
    const isResumed = noted !== undefined && this.#space !== undefined
    if (!isResumed) [index, offset, this.#sender] = [0, 0, undefined]
    if (isResumed) this.#checkSender()
    this.#progress.advance({ bytes: offset })
    for (let isLast = false; !isLast; index++) {
      this.#signal.throwIfAborted()
      const header = await this.#header(offset)
      await this.#takePart(header, offset + PART_HEADER_BYTES, first, index)
      offset += PART_HEADER_BYTES + header.length
      ;({ isLast } = header)
      this.#counts.parts++
      this.#counts.bytes += PART_HEADER_BYTES + header.length
      this.#progress.advance({ bytes: PART_HEADER_BYTES + header.length })
      if (!isLast && this.#counts.parts % PARTS_PER_NOTE === 0) await this.#note(bundle, index + 1, offset)
    }
    await store.flush()
    await bundles.deleteImport(bundle)
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

  async #takePart(header: PartHeader, at: number, first: PartHeader, index: number): Promise<void> {
    if (Buffer.compare(header.bundle, first.bundle) !== 0 || header.index !== index) {
      throw damaged('its parts are not in order, or are of several bundles')
    }
    const { sender, content } = openPart(this.#parts.identity, header, await this.#read(at, header.length))
    if (this.#sender !== undefined && sender !== this.#sender) throw damaged('its parts are of several devices')
    this.#sender = sender
    const records = decodeRecords(content)
    if (this.#space === undefined) this.#begin(records[0])
    await this.#takeStatements(records)
    this.#checkSender()
    await this.#takeMetadata(records)
    await this.#takeChunks(records)
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
    for (const record of records) {
      if (record.type !== 'metadata') continue
      // What it answers would be for a peer that listens.
      await space.metadata.receive(record.message, sender, isWriter)
    }
  }

  async #takeChunks(records: readonly BundleRecord[]): Promise<void> {
    const { store } = this.#parts
    const { space } = this.#required()
    const chunks = records.flatMap((record) => (record.type === 'chunk' ? [record.chunk] : []))
    if (chunks.length === 0) return
    const held = await store.has(
      space.id,
      chunks.map(({ id }) => id),
    )
    const fresh = chunks.filter((_, index) => held[index] !== true)
    // Before the store takes the bytes over.
    const freshBytes = fresh.reduce((sum, { bytes }) => sum + bytes.length, 0)
    await this.#makeSureOfRoom(freshBytes)
    const corrupt = await store.put(space.id, fresh, { durability: 'none', signal: this.#signal })
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

  async #note(bundle: string, parts: number, offset: number): Promise<void> {
    const { space, sender } = this.#required()
    await this.#parts.store.flush()
    await this.#parts.bundles.putImport(bundle, {
      ...{ space: space.id, sender, parts, offset, at: this.#parts.clock.now() },
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

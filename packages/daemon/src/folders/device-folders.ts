import nodePath from 'node:path'
import type { PlaceKey } from '@dittofs/chunk-store'
import {
  type AbortOptions,
  DittoError,
  type FolderInfo,
  type IgnoredPath,
  type LinkOptions,
  type LiveFolders,
  type PathOptions,
  type PlannedStep,
  type SpaceId,
  type TrailEntry,
} from '@dittofs/interface'
import { findIgnored, ignoringFileSystem, type SpaceFolders } from '@dittofs/live-folder'
import type { OpenSpace } from '../spaces/open-space.ts'
import { describeFolder, pausedFolder } from './describe-folder.ts'
import type { DeviceFoldersInit } from './device-folders-init.ts'
import { directoryNode } from './directory-node.ts'
import { folderAt, pathBelow, prepareFolder } from './folder-place.ts'
import type { LinkedFolderRow } from './linked-folders.ts'
import { PlaceDoubts } from './place-doubts.ts'
import { SpaceContent } from './space-content.ts'

interface RunningSpace {
  readonly folders: SpaceFolders
  readonly content: SpaceContent
}

/** The live folders of this device: which there are, and the engine of each space that has some. */
export class DeviceFolders implements LiveFolders {
  readonly #init: DeviceFoldersInit
  readonly #running = new Map<SpaceId, Promise<RunningSpace>>()
  readonly #open = new Map<number, RunningSpace>()
  readonly #closing = new AbortController()
  readonly #doubts: PlaceDoubts

  constructor(init: DeviceFoldersInit) {
    this.#init = init
    this.#doubts = new PlaceDoubts({
      ...{ store: init.store, clock: init.clock, logger: init.logger, locate: (key) => this.locate(key) },
      lookAgain: (keys, options) => this.#lookAgain(keys, options),
      onLost: (key) => this.#lost(key),
    })
  }

  /** Opens what is known of the folders of each space: before the space is exchanged with anyone. */
  async open(): Promise<void> {
    if (!this.#init.isRunning) return
    for (const row of this.#init.linked.all())
      await this.#space(row).catch((error: unknown) => this.#report(row, error))
    await this.#forgetLeft()
  }

  /** Goes on with every folder that is written down. One that cannot be opened is reported, and keeps none back. */
  async start(): Promise<void> {
    if (!this.#init.isRunning) return
    for (const row of this.#init.linked.all())
      await this.#begin(row).catch((error: unknown) => this.#report(row, error))
  }

  /** Content of a space, or of any, may have come that was not held. */
  contentCame(space?: OpenSpace): void {
    for (const [number, { content }] of this.#open) {
      if (space === undefined || space.number === number) content.contentCame()
    }
  }

  /** Files of a space that were cut and that no metadata may name yet. */
  pending(space: OpenSpace): ReturnType<SpaceContent['pending']> {
    return this.#open.get(space.number)?.content.pending() ?? []
  }

  /** Bytes of the files in live folders that are in step. */
  placedBytes(): number {
    let bytes = 0
    for (const { folders } of this.#open.values()) for (const state of folders.states()) bytes += state.bytes
    return bytes
  }

  /** Where the file of a place is now, absolute. */
  readonly locate = (key: PlaceKey): string | undefined => {
    const open = this.#open.get(spaceNumberOf(key))
    const found = open?.folders.locate(key.slice(key.indexOf('.') + 1))
    if (found === undefined) return open?.content.takenPath(key)
    const row = this.#init.linked.get(found.folder)
    return row === undefined ? undefined : nodePath.join(row.directory, ...found.names)
  }

  /** A file did not hold a chunk that it should. */
  readonly doubt = (key: PlaceKey): void => {
    if (this.#isOpen(key)) this.#doubts.add(key)
  }

  /** The path in its space of a path on disk that lies in a live folder. */
  async spacePath(path: string): Promise<{ readonly space: OpenSpace; readonly path: string } | undefined> {
    const row = await folderAt(path, this.#init.linked.all())
    const space = row === undefined ? undefined : this.#init.spaceOf(row.space)
    if (row === undefined || space === undefined) return undefined
    const root = space.metadata.find(row.node)?.path ?? ''
    const below = await pathBelow(row.directory, path)
    return { space, path: [root, below].filter((part) => part !== '').join('/') }
  }

  async link(directory: string, options: LinkOptions = {}): Promise<FolderInfo> {
    const { linked, home, selectSpace, randomBytes, clock } = this.#init
    const space = selectSpace(options.space)
    const mode = options.mode ?? 'two-way'
    if (space.membership.role(this.#init.self) !== 'full' && mode !== 'receive') {
      throw new DittoError(
        'DITTO_ROLE',
        `This device may only read the space ${JSON.stringify(space.name)}; link the directory with --mode receive.`,
      )
    }
    const place = await prepareFolder(directory, home, linked.all())
    const path = options.path ?? ''
    const node = path === '' ? space.metadata.root : await directoryNode(space, path, clock.now())
    const id = Buffer.from(randomBytes(8)).toString('hex')
    const row: LinkedFolderRow = { id, directory: place, space: space.id, node, mode }
    await linked.put(row)
    try {
      if (this.#init.isRunning) await this.#begin(row)
    } catch (error) {
      await linked.delete(id)
      throw error
    }
    this.#init.onLinked(space)
    this.#init.onChange()
    return this.#describe(row)
  }

  async unlink(directory: string): Promise<FolderInfo> {
    const [row] = await this.#rows(directory)
    const running = await this.#running.get((row as LinkedFolderRow).space)
    const info = await this.#describe(row as LinkedFolderRow)
    if (running !== undefined) await this.#preserveAll(running, info.id)
    await running?.folders.unlink(info.id)
    await running?.content.settled()
    await this.#init.linked.delete(info.id)
    const space = this.#init.spaceOf(info.space.id)
    if (space !== undefined) this.#init.onLinked(space)
    this.#init.onChange()
    return info
  }

  async list(): Promise<readonly FolderInfo[]> {
    return this.#describeAll(this.#init.linked.all())
  }

  async pause(directory?: string): Promise<readonly FolderInfo[]> {
    return this.#each(directory, (folders, { id }) => folders.pause(id))
  }

  async resume(directory?: string, options: { accept?: boolean } = {}): Promise<readonly FolderInfo[]> {
    return this.#each(directory, (folders, { id }) => folders.resume(id, options))
  }

  async rescan(directory?: string, options: AbortOptions = {}): Promise<readonly FolderInfo[]> {
    return this.#each(directory, async (folders, { id }) => {
      folders.rescan(id)
      await folders.whenSettled(options)
    })
  }

  async plan(directory?: string, options: AbortOptions = {}): Promise<readonly PlannedStep[]> {
    const steps: PlannedStep[] = []
    for (const row of await this.#rows(directory)) {
      const folders = await this.#folders(row)
      for (const { direction, type, ...step } of (await folders.plan(row.id, options)).steps) {
        steps.push({ ...step, what: type, direction: direction === 'outgoing' ? 'out' : 'in' })
      }
    }
    return steps
  }

  async why(path: string, options: PathOptions = {}): Promise<readonly TrailEntry[]> {
    const place = nodePath.resolve(options.directory ?? nodePath.sep, path)
    const decided = await this.#init.decidedAbout(path, options)
    if (decided.length > 0 && (await folderAt(place, this.#init.linked.all())) === undefined) return decided
    const [row] = (await this.#rows(place)) as [LinkedFolderRow]
    const folders = await this.#folders(row)
    const below = await pathBelow(row.directory, place)
    const trail = folders.trail(below, row.id)
    return [...decided, ...trail.map(({ at, what, path: where, text }) => ({ at, what, path: where, text }))]
  }

  async ignored(directory: string, options: AbortOptions & { pattern?: string } = {}): Promise<readonly IgnoredPath[]> {
    const [row] = (await this.#rows(directory)) as [LinkedFolderRow]
    const fileSystem = await this.#init.openFileSystem(row.directory)
    try {
      return await findIgnored(fileSystem, options)
    } finally {
      await fileSystem.close()
    }
  }

  /** Gives back the disk space of what is known no more of any folder. */
  async compact(): Promise<void> {
    for (const { folders } of this.#open.values()) await folders.compact()
  }

  /** Looks at everything again. */
  rescanAll(): void {
    for (const { folders } of this.#open.values()) folders.rescan()
  }

  /** Resolves when every folder is in step, but for content that has not come. */
  async whenSettled(options: AbortOptions = {}): Promise<void> {
    for (const { folders, content } of this.#open.values()) {
      await folders.whenSettled(options)
      await content.settled()
    }
  }

  /** Ends what is under way whole. */
  async close(): Promise<void> {
    this.#closing.abort(new DittoError('DITTO_CLOSED', 'The device was closed.'))
    await this.#doubts.close()
    for (const running of await Promise.allSettled(this.#running.values())) {
      if (running.status !== 'fulfilled') continue
      await running.value.folders.close()
      await running.value.content.close()
    }
    this.#open.clear()
  }

  async #begin(row: LinkedFolderRow): Promise<void> {
    const { folders } = await this.#space(row)
    const fileSystem = ignoringFileSystem(await this.#init.openFileSystem(row.directory))
    await folders
      .link({ id: row.id, directoryNode: row.node, mode: row.mode }, fileSystem, { signal: this.#closing.signal })
      .catch(async (error: unknown) => {
        await fileSystem.close()
        throw error
      })
  }

  /** What was to be forgotten when the device stopped is forgotten now, before its key is given to another file. */
  async #forgetLeft(): Promise<void> {
    const left: PlaceKey[] = []
    for await (const keys of this.#init.store.placedKeys()) {
      left.push(...keys.filter((key) => this.#isOpen(key) && this.locate(key) === undefined))
    }
    for (const key of left) await this.#init.store.unplace(key)
  }

  #isOpen(key: PlaceKey): boolean {
    return this.#open.has(spaceNumberOf(key))
  }

  /** Looks at the folders that the keys are of, or, of one that is nowhere, at all folders of its space. */
  async #lookAgain(keys: readonly PlaceKey[], options: AbortOptions): Promise<void> {
    const looked = new Map<RunningSpace, Set<string | undefined>>()
    for (const key of keys) {
      const running = this.#open.get(spaceNumberOf(key))
      if (running === undefined) continue
      const chosen = looked.get(running) ?? new Set()
      looked.set(running, chosen.add(running.folders.locate(key.slice(key.indexOf('.') + 1))?.folder))
    }
    for (const [{ folders }, chosen] of looked) {
      if (chosen.has(undefined)) folders.rescan()
      else for (const folder of chosen) folders.rescan(folder)
    }
    for (const { folders, content } of looked.keys()) {
      await folders.whenSettled(options)
      await content.settled()
    }
  }

  #lost(key: PlaceKey): void {
    for (const { space } of this.#init.linked.all()) {
      const open = this.#init.spaceOf(space)
      if (open?.number !== spaceNumberOf(key)) continue
      this.#init.onLost(open)
      return
    }
  }

  /** Copies into the store what lies in the files of a folder only: they are nobody's to rely on from now on. */
  async #preserveAll({ folders, content }: RunningSpace, folder: string): Promise<void> {
    await content.settled()
    for await (const keys of this.#init.store.placedKeys()) {
      for (const key of keys) {
        const isHere = this.#isOpen(key) && folders.locate(key.slice(key.indexOf('.') + 1))?.folder === folder
        if (isHere) await this.#init.store.preserve(key)
      }
    }
  }

  #report(row: LinkedFolderRow, error: unknown): void {
    if (this.#closing.signal.aborted) return
    this.#init.logger.error({ error, directory: row.directory }, 'A live folder could not be opened.')
  }

  async #space(row: LinkedFolderRow): Promise<RunningSpace> {
    const known = this.#running.get(row.space)
    if (known !== undefined) return known
    const space = this.#init.spaceOf(row.space)
    if (space === undefined) {
      throw new DittoError('DITTO_NOT_FOUND', `The space of the live folder ${row.directory} is not on this device.`)
    }
    const opening = this.#openSpace(space)
    this.#running.set(row.space, opening)
    opening.catch(() => this.#running.delete(row.space))
    return opening
  }

  async #openSpace(space: OpenSpace): Promise<RunningSpace> {
    const { store, readManifest, held, clock, randomBytes, logger, linked, deviceName, onChange } = this.#init
    const directoryOf = (folder: string) => linked.get(folder)?.directory
    const { onCopied, roomOf } = this.#init
    const onGained = () => this.#init.onGained(space)
    const content = new SpaceContent({
      ...{ space, store, readManifest, held, logger, clock, directoryOf, onCopied, onGained },
    })
    const folders = await this.#init.openSpaceFolders({
      ...{ space: space.id, metadata: space.metadata, database: this.#init.openBase(space), content },
      ...{ clock, randomBytes, logger, deviceLabel: deviceName() },
      roomFor: async (folder) => {
        const directory = directoryOf(folder)
        return directory === undefined ? Number.POSITIVE_INFINITY : roomOf(directory)
      },
    })
    folders.onChange(onChange)
    const running = { folders, content }
    this.#open.set(space.number, running)
    return running
  }

  async #rows(directory: string | undefined): Promise<readonly LinkedFolderRow[]> {
    const all = this.#init.linked.all()
    if (directory === undefined) return all
    const row = await folderAt(directory, all)
    if (row !== undefined) return [row]
    throw new DittoError(
      'DITTO_NOT_FOUND',
      `${JSON.stringify(directory)} is in no live folder; "dittofs folders" shows them.`,
    )
  }

  async #folders(row: LinkedFolderRow): Promise<SpaceFolders> {
    if (!this.#init.isRunning) {
      throw new DittoError(
        'DITTO_DAEMON_UNREACHABLE',
        'Live folders are kept in step by the daemon; start one with "dittofs daemon".',
      )
    }
    return (await this.#space(row)).folders
  }

  async #each(
    directory: string | undefined,
    work: (folders: SpaceFolders, row: LinkedFolderRow) => Promise<void>,
  ): Promise<readonly FolderInfo[]> {
    const rows = await this.#rows(directory)
    for (const row of rows) await work(await this.#folders(row), row)
    return this.#describeAll(rows)
  }

  async #describeAll(rows: readonly LinkedFolderRow[]): Promise<readonly FolderInfo[]> {
    const described: FolderInfo[] = []
    for (const row of rows) described.push(await this.#describe(row))
    return described
  }

  async #describe(row: LinkedFolderRow): Promise<FolderInfo> {
    const space = this.#init.spaceOf(row.space)
    const base = {
      ...{ id: row.id, directory: row.directory, mode: row.mode },
      space: { id: row.space, name: space?.name ?? '' },
      path: space?.metadata.find(row.node)?.path ?? '',
    }
    const running = await this.#running.get(row.space)?.catch(() => undefined)
    const state = running?.folders.states().find(({ id }) => id === row.id)
    if (state !== undefined) return describeFolder(base, state, space === undefined ? 0 : this.#init.rateOf(space))
    return pausedFolder(
      base,
      this.#init.isRunning
        ? 'It could not be opened; the log says why.'
        : 'No daemon runs; start one with "dittofs daemon".',
    )
  }
}

/** A key is the number of its space, a dot, and the key of a file in that space's folders. */
function spaceNumberOf(key: PlaceKey): number {
  return Number(key.slice(0, key.indexOf('.')))
}

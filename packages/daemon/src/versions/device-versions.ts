import {
  type AbortOptions,
  type Action,
  type ChangeSummary,
  type Conflict,
  type ConflictChoice,
  type ConflictDiff,
  type DeletedEntry,
  type DeletedNode,
  type DeviceKey,
  DittoError,
  type Durability,
  type FileVersion,
  type PathOptions,
  type RestoreDeletedResult,
  type RestoreOptions,
  type RestoreResult,
  type SpaceHistory,
  type TrailEntry,
  type TreeEntry,
  type UndoResult,
  type VersionId,
  type Versions,
} from '@dittofs/interface'
import type { OpenSpace } from '../spaces/open-space.ts'
import { nameOfDevice } from './device-names.ts'
import { diffVersions } from './diff-versions.ts'
import { type FindTargetInit, findTarget, type Target } from './find-target.ts'
import { conflictAt, describeConflict, type OpenConflict, openConflicts } from './list-conflicts.ts'
import { describeVersions, fileOf, pickVersion, versionsAt } from './list-versions.ts'
import { type ContentAccess, ensureHeld } from './read-whole.ts'
import { chooseVersion, ifUnchanged, mergeVersions } from './solve-conflict.ts'
import { writeVersion } from './write-version.ts'

/** Versions looked at for the trail of a path. */
const TRAIL_VERSIONS = 20

export interface DeviceVersionsInit extends FindTargetInit, ContentAccess {
  self: DeviceKey
  historyOf: (space: OpenSpace) => SpaceHistory
  durability: Durability
}

/** History, undo and conflicts of this device's spaces. */
export class DeviceVersions implements Versions {
  readonly #init: DeviceVersionsInit

  constructor(init: DeviceVersionsInit) {
    this.#init = init
  }

  async history(path: string, options: PathOptions = {}): Promise<readonly FileVersion[]> {
    const target = await this.#target(path, options)
    return describeVersions(
      await versionsAt(await this.#history(target.space), target),
      target,
      this.#init.held,
      options,
    )
  }

  async restore(path: string, options: RestoreOptions = {}): Promise<RestoreResult> {
    const target = await this.#target(path, options)
    const { space } = target
    const history = await this.#history(space)
    const picked = pickVersion(await versionsAt(history, target), target, options.at)
    const version = picked.version as VersionId
    if (options.output !== undefined) {
      await writeVersion(this.#init, target, picked, options.output, options)
      return { path: target.path, version, output: options.output }
    }
    const file = fileOf(picked)
    if (file !== undefined) await ensureHeld(this.#init, space, [{ path: target.path, file }], options)
    const results = await space.metadata.transact(await history.restore(picked.node, version))
    return { path: results.find((entry) => entry !== undefined)?.path ?? target.path, version }
  }

  /** When the file at a path was merged of late, and from which versions: for the trail of the path. */
  async mergesOf(path: string, options: PathOptions = {}): Promise<readonly TrailEntry[]> {
    const target = await this.#target(path, options).catch(() => undefined)
    if (target === undefined) return []
    const versions = await (await this.#history(target.space))
      .versionsOf({ path: target.path }, { limit: TRAIL_VERSIONS })
      .catch(() => [])
    return versions.reverse().flatMap(({ seenAt, mergedFrom, author, version }) => {
      if (mergedFrom === undefined) return []
      const { name } = nameOfDevice(target.space, author)
      const text = `${JSON.stringify(name)} merged the versions ${mergedFrom.join(' and ')}, which did not clash, to ${version}.`
      return [{ at: seenAt, what: 'seen', path: target.path, text }]
    })
  }

  async deleted(options: PathOptions = {}): Promise<readonly DeletedEntry[]> {
    const space = this.#init.selectSpace(options.space)
    const entries: DeletedEntry[] = []
    for (const node of await this.#deletedIn(space, options)) entries.push(describeDeleted(space, node))
    return entries
  }

  async restoreDeleted(path: string | undefined, options: PathOptions = {}): Promise<RestoreDeletedResult> {
    const target = path === undefined ? undefined : await this.#target(path, options)
    const space = target?.space ?? this.#init.selectSpace(options.space)
    const all = await this.#deletedIn(space, options)
    const wanted = target === undefined ? all : all.filter((node) => isAtOrBelow(node.path, target.path))
    if (target !== undefined && wanted.length === 0) {
      throw new DittoError('DITTO_NOT_FOUND', `Nothing that was deleted stood at ${JSON.stringify(target.path)}.`)
    }
    const before = space.metadata.counts().files
    // Parents first, so that what was deleted apart returns to a directory that is there again.
    const actions = [...wanted]
      .sort((a, b) => a.path.length - b.path.length)
      .map(({ node }): Action => ({ type: 'undelete', node }))
    if (actions.length > 0) await space.metadata.transact(actions)
    const restored = wanted.map((node) => describeDeleted(space, node))
    const missing = await this.#lacking(space, wanted, options)
    return { restored, files: space.metadata.counts().files - before, missing }
  }

  async changes(options: PathOptions & { limit?: number } = {}): Promise<readonly ChangeSummary[]> {
    const space = this.#init.selectSpace(options.space)
    const history = await this.#history(space)
    const groups = await history.changes(options.limit === undefined ? {} : { limit: options.limit })
    return groups.map(({ id, to, author, created, edited, moved, deleted, paths }) => ({
      ...{ id, at: to, device: nameOfDevice(space, author), created, edited, moved, deleted, paths },
    }))
  }

  async undo(id: string | undefined, options: PathOptions = {}): Promise<UndoResult> {
    const space = this.#init.selectSpace(options.space)
    const history = await this.#history(space)
    const group = id ?? (await history.changes({ limit: 1 }))[0]?.id
    if (group === undefined) throw new DittoError('DITTO_NOT_FOUND', 'Nothing was changed that could be undone.')
    const { actions, skipped } = await history.invert(group)
    await ensureHeld(this.#init, space, filesIn(space, actions), options)
    if (actions.length > 0) await space.metadata.transact(actions)
    return {
      group,
      undone: actions.length,
      skipped: skipped.map(({ path, reason }) => ({ path: path ?? '(not shown)', reason })),
    }
  }

  async conflicts(options: PathOptions = {}): Promise<readonly Conflict[]> {
    const space = this.#init.selectSpace(options.space)
    const history = await this.#history(space)
    const described: Conflict[] = []
    for (const conflict of await openConflicts(space, options)) {
      described.push(await describeConflict(space, history, conflict, (entry) => this.#isOwn(entry)))
    }
    return described
  }

  async diffConflict(path: string, options: PathOptions = {}): Promise<ConflictDiff> {
    const { space, path: at } = await this.#target(path, options)
    const conflict = await conflictAt(space, at, options)
    return diffVersions(this.#init, space, await this.#history(space), conflict, options)
  }

  async takeConflict(path: string, choice: ConflictChoice, options: PathOptions = {}): Promise<void> {
    const { space, path: at } = await this.#target(path, options)
    const conflict = await conflictAt(space, at, options)
    const actions = chooseVersion(space, conflict, choice, this.#init.self)
    await space.metadata.transact(() => ifUnchanged(space, conflict, actions))
  }

  async mergeConflict(path: string, options: PathOptions = {}): Promise<void> {
    const { space, path: at } = await this.#target(path, options)
    await this.merge(space, await conflictAt(space, at, options), options)
  }

  /** Merges a conflict as it was seen. @throws DittoError as `mergeConflict`, DITTO_FILE_CHANGED (it is another now) */
  async merge(space: OpenSpace, conflict: OpenConflict, options: AbortOptions = {}): Promise<void> {
    const actions = await mergeVersions(this.#init, space, await this.#history(space), conflict, options)
    await space.metadata.transact(() => ifUnchanged(space, conflict, actions))
  }

  #target(path: string, options: PathOptions): Promise<Target> {
    return findTarget(this.#init, path, options)
  }

  /** The history of a space, with all in it that the space shows. */
  async #history(space: OpenSpace): Promise<SpaceHistory> {
    const history = this.#init.historyOf(space)
    await history.settled()
    return history
  }

  async #deletedIn(space: OpenSpace, options: AbortOptions): Promise<readonly DeletedNode[]> {
    const history = await this.#history(space)
    const nodes: DeletedNode[] = []
    const signal = options.signal === undefined ? {} : { signal: options.signal }
    for await (const batch of history.deleted(signal)) nodes.push(...batch)
    return nodes.sort((a, b) => b.deletedAt - a.deletedAt)
  }

  /** Files under nodes that are shown again whose bytes are not here. */
  async #lacking(
    space: OpenSpace,
    nodes: readonly DeletedNode[],
    { signal }: AbortOptions,
  ): Promise<readonly string[]> {
    const missing: string[] = []
    for (const { node } of nodes) {
      const shown = space.metadata.find(node)
      if (shown === undefined) continue
      const batches = shown.kind === 'directory' ? space.metadata.walk(shown.path) : [[shown]]
      for await (const batch of batches) {
        signal?.throwIfAborted()
        const files = batch.flatMap(({ path, file }) => (file === undefined ? [] : [{ path, file }]))
        const lacking = await this.#init.held.missingOf(
          space.id,
          files.map(({ file }) => file),
        )
        missing.push(...files.flatMap(({ path }, at) => (lacking[at]?.chunks === 0 ? [] : [path])))
      }
    }
    return missing
  }

  #isOwn(entry: TreeEntry): boolean {
    return entry.author === this.#init.self
  }
}

function describeDeleted(space: OpenSpace, { path, kind, deletedAt, author }: DeletedNode): DeletedEntry {
  return { path, kind, deletedAt, device: nameOfDevice(space, author) }
}

function isAtOrBelow(path: string, directory: string): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`)
}

/** The files that actions bring back, whose bytes must be here. */
function filesIn(space: OpenSpace, actions: readonly Action[]) {
  return actions.flatMap((action) => {
    if (action.type !== 'edit' && action.type !== 'create') return []
    if (action.content.kind !== 'file') return []
    const path = action.type === 'edit' ? (space.metadata.find(action.node)?.path ?? '') : action.name
    return [{ path, file: action.content.file }]
  })
}

import type { Action, AttributeChange, FileContent, TreeEntry, VolumeHandle } from '@dittofs/interface'
import { DEFAULT_DIRECTORY_MODE } from './describe-node.ts'
import { staleHandle } from './volume-faults.ts'
import type { VolumeParts } from './volume-parts.ts'

type Given = Pick<AttributeChange, 'mode' | 'mtimeNs'>

/**
 * Changes of sizes, modes and times. A file with uncommitted writes takes them with those; elsewhere they are a change of
 * the metadata at once.
 */
export class AttributeChanges {
  readonly #parts: VolumeParts
  readonly #find: (handle: VolumeHandle) => TreeEntry
  #ofRoot: Given = {}

  /** @param find - throws DittoError DITTO_HANDLE_STALE */
  constructor(parts: VolumeParts, find: (handle: VolumeHandle) => TreeEntry) {
    this.#parts = parts
    this.#find = find
  }

  /** The space's root has no attributes of its own: what is set is kept for as long as this process runs. */
  get ofRoot(): Given {
    return this.#ofRoot
  }

  /** To be called while nobody else changes the node. */
  async apply(handle: VolumeHandle, { mode, size, mtimeNs }: AttributeChange): Promise<void> {
    const { files, nowNs, times } = this.#parts
    const entry = this.#find(handle)
    const given = { ...(mode !== undefined && { mode: mode & 0o777 }), ...(mtimeNs !== undefined && { mtimeNs }) }
    const isResized = size !== undefined && size !== entry.file?.size
    if (entry.file !== undefined && (isResized || files.get(handle) !== undefined)) {
      const open = files.open(handle, entry as TreeEntry & { file: FileContent })
      if (size !== undefined) {
        open.buffer.resize(size)
        open.mtimeNs = nowNs()
      }
      Object.assign(open, given)
      files.changed(open, nowNs(), size !== undefined)
    } else if (entry.path === '') {
      this.#ofRoot = { ...this.#ofRoot, ...given }
      if (mtimeNs !== undefined) times.timeSet(entry.node)
    } else if (Object.keys(given).length > 0) {
      await this.#edit(handle, given)
      if (entry.kind === 'directory' && mtimeNs !== undefined) times.timeSet(entry.node)
    }
  }

  async #edit(handle: VolumeHandle, given: Given): Promise<void> {
    const { times, finder, changes } = this.#parts
    let before = this.#find(handle)
    // A directory that is edited may be one that is made of several, or is not made yet.
    const touches = () => (before.kind === 'directory' ? undefined : (before.nodes ?? [before.node]))
    const plan = () => {
      before = this.#find(handle)
      return this.#plan(before, given)
    }
    const [shown] = await times.editing(before.node, () => changes.change({ touches, plan }))
    if (shown !== undefined && shown.kind !== 'directory') finder.follow(handle, before, shown)
  }

  #plan({ node, path, version: base, kind, file, symlink, directory }: TreeEntry, given: Given): Action[] {
    if (kind === 'directory') {
      const content = { mode: DEFAULT_DIRECTORY_MODE, mtimeNs: this.#parts.nowNs(), ...directory, ...given }
      if (base === undefined) return [{ type: 'mkdir', path, directory: content }]
      return [{ type: 'edit', node, base, content: { kind, directory: content } }]
    }
    if (base === undefined) throw staleHandle()
    if (file !== undefined) {
      return [{ type: 'edit', node, base, content: { kind: 'file', file: { ...file, ...given } } }]
    }
    if (symlink === undefined || given.mtimeNs === undefined) return []
    const content = { kind: 'symlink', symlink: { ...symlink, mtimeNs: given.mtimeNs } } as const
    return [{ type: 'edit', node, base, content }]
  }
}

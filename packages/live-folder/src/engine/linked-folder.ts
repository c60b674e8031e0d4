import type { FolderFileSystem } from '../folder-file-system.ts'
import { localKey } from '../plan/local-tree.ts'
import { parentPath } from '../plan/remote-tree.ts'
import type { FolderProblem, FolderState, HeldChange, LinkedFolder, PauseReason, ProblemKind } from './space-folders.ts'

const MAX_PROBLEMS = 1000

/** One live folder while it is linked: what of it has to be looked at, and what is to be told of it. */
export class FolderRuntime {
  readonly link: LinkedFolder
  readonly fileSystem: FolderFileSystem
  readonly abort = new AbortController()
  activity: FolderState['activity'] = 'scanning'
  paused: { readonly reason: PauseReason; readonly message: string; readonly held?: HeldChange } | undefined
  foldsCase = false
  /** Accepted by the person: the next plan passes the brake. */
  isAccepted = false
  waiting = 0
  unsettled = 0
  progress: FolderState['progress']
  #dirty: Map<string, readonly string[]> | 'all' = 'all'
  /** Directories to look at again, by time. */
  readonly #due = new Map<string, { readonly names: readonly string[]; readonly atMs: number }>()
  readonly #problems = new Map<string, FolderProblem>()

  constructor(link: LinkedFolder, fileSystem: FolderFileSystem) {
    this.link = link
    this.fileSystem = fileSystem
  }

  get id(): string {
    return this.link.id
  }

  get isActive(): boolean {
    return this.paused === undefined
  }

  get isDirty(): boolean {
    return this.#dirty === 'all' || this.#dirty.size > 0
  }

  markAll(): void {
    this.#dirty = 'all'
  }

  /** @param names - of a directory, as on disk */
  mark(names: readonly string[]): void {
    if (this.#dirty !== 'all') this.#dirty.set(localKey('', names), names)
  }

  markAt(names: readonly string[], atMs: number): void {
    const key = localKey('', names)
    const before = this.#due.get(key)
    if (before === undefined || before.atMs > atMs) this.#due.set(key, { names, atMs })
  }

  /** Marks what is due. @returns when the next is, in monotonic milliseconds */
  markDue(nowMs: number): number | undefined {
    let next: number | undefined
    for (const [key, { names, atMs }] of this.#due) {
      if (atMs <= nowMs) {
        this.#due.delete(key)
        this.mark(names)
      } else if (next === undefined || atMs < next) {
        next = atMs
      }
    }
    return next
  }

  takeDirty(): readonly (readonly string[])[] | 'all' {
    const dirty = this.#dirty
    this.#dirty = new Map()
    if (dirty === 'all') this.#due.clear()
    return dirty === 'all' ? 'all' : [...dirty.values()]
  }

  /** @param side - where it was met: looking at the disk, or bringing to it what the document has */
  report(side: 'disk' | 'document', path: string, kind: ProblemKind, message: string): void {
    const key = `${side} ${path}`
    if (this.#problems.size >= MAX_PROBLEMS && !this.#problems.has(key)) return
    this.#problems.set(key, { folder: this.id, path, kind, message })
  }

  solve(side: 'disk' | 'document', path: string): void {
    this.#problems.delete(`${side} ${path}`)
  }

  /** What was met of one side is looked at anew. @param directory - only what was met in it, and with itself */
  solveAll(side: 'disk' | 'document', directory?: string): void {
    for (const [key, { path }] of this.#problems) {
      const isIn = directory === undefined || path === directory || parentPath(path) === directory
      if (isIn && key.startsWith(`${side} `)) this.#problems.delete(key)
    }
  }

  get problems(): readonly FolderProblem[] {
    return [...this.#problems.values()]
  }
}

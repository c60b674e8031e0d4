import type { FolderFileSystem } from '../folder-file-system.ts'
import { localKey } from '../plan/local-tree.ts'
import { parentPath } from '../plan/remote-tree.ts'
import { RecentLosses } from './recent-losses.ts'
import type { FolderProblem, FolderState, HeldChange, LinkedFolder, PauseReason, ProblemKind } from './space-folders.ts'

const MAX_PROBLEMS = 1000

/** Milliseconds for which a watcher may still tell of a name that a directory had, and how many such names are kept. */
const MOVE_MEMORY_MS = 10_000
const MAX_MOVES = 1000
/** Places where one name may be by now; of more, looking at all is cheaper. */
const MAX_PLACES = 64

/** One live folder while it is linked: what of it has to be looked at, and what is to be told of it. */
export class FolderRuntime {
  readonly link: LinkedFolder
  readonly fileSystem: FolderFileSystem
  readonly abort = new AbortController()
  activity: FolderState['activity'] = 'scanning'
  paused: { readonly reason: PauseReason; readonly message: string; readonly held?: HeldChange } | undefined
  foldsCase = false
  /** Whether all that lay in the directory when it was linked has been sent: what comes now is being worked on. */
  isTakenUp = false
  /** Accepted by the person: the next plan passes the brake. */
  isAccepted = false
  /** When that was, in monotonic milliseconds. */
  acceptedAtMs = 0
  /** Files deleted here, and by others. */
  readonly sentLosses = new RecentLosses()
  readonly takenLosses = new RecentLosses()
  waiting = 0
  unsettled = 0
  /** `sinceMs`: when the round began, in monotonic milliseconds. */
  progress: (Omit<NonNullable<FolderState['progress']>, 'elapsedMs'> & { readonly sinceMs: number }) | undefined
  #dirty: Map<string, readonly string[]> | 'all' = 'all'
  /** Directories to look at again, by time. */
  readonly #due = new Map<string, { readonly names: readonly string[]; readonly atMs: number }>()
  #moves: { readonly from: readonly string[]; readonly to: readonly string[]; readonly atMs: number }[] = []
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

  /** A person agrees to what is gone. */
  forgetLosses(): void {
    this.sentLosses.forget()
    this.takenLosses.forget()
  }

  /** @param names - of a directory, as on disk; where this device renamed it of late, its new name is marked as well */
  mark(names: readonly string[]): void {
    if (this.#dirty === 'all') return
    const places = this.#placesNow(names)
    if (places === undefined) this.markAll()
    else for (const [key, place] of places) this.#dirty.set(key, place)
  }

  /**
   * Where a directory of that name may be by now. A name may be told before or after each of the moves, and more than one
   * may follow on each other: a directory whose name is exchanged is put aside first.
   */
  #placesNow(names: readonly string[]): ReadonlyMap<string, readonly string[]> | undefined {
    const told = localKey('', names)
    const places = new Map([[told, names]])
    for (const { from, to } of this.#moves) {
      for (const [key, place] of [...places]) {
        const moved = movedNames(place, from, to)
        if (moved === undefined) continue
        if (key !== told) places.delete(key)
        places.set(localKey('', moved), moved)
      }
      if (places.size > MAX_PLACES) return undefined
    }
    return places
  }

  /** This device renamed a directory: what was to be looked at in it is to be looked at where it is now. */
  noteMove(from: readonly string[], to: readonly string[], nowMs: number): void {
    this.#moves = this.#moves.filter(({ atMs }) => atMs > nowMs - MOVE_MEMORY_MS).slice(-MAX_MOVES)
    this.#moves.push({ from, to, atMs: nowMs })
    if (this.#dirty === 'all') return
    for (const names of [...this.#dirty.values()]) {
      const moved = movedNames(names, from, to)
      if (moved !== undefined) this.#dirty.set(localKey('', moved), moved)
    }
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

  /** Whether something that others did could not be brought to this folder. */
  get hasDocumentProblems(): boolean {
    return [...this.#problems.keys()].some((key) => key.startsWith('document '))
  }

  get problems(): readonly FolderProblem[] {
    return [...this.#problems.values()]
  }
}

function movedNames(
  names: readonly string[],
  from: readonly string[],
  to: readonly string[],
): readonly string[] | undefined {
  if (names.length < from.length || from.some((name, at) => names[at] !== name)) return undefined
  return [...to, ...names.slice(from.length)]
}

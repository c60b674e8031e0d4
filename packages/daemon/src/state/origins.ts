import type { BigIntStats } from 'node:fs'
import type { NodeId } from '@dittofs/interface'
import type { Level } from 'level'

/** What a file on disk was when it last went into a space, or came out of it. */
export interface Origin {
  readonly node: NodeId
  /** Where it stood in the space then; it may have been moved since. */
  readonly path: string
  /** `contentKey` of a file's content, the target of a symlink, empty for a directory. */
  readonly content: string
  /** By which the file is recognised as unchanged without reading it; absent where it might have changed unseen. */
  readonly stamp?: string
}

/**
 * Which file on disk became which node. It decides whether adding a path again is a new version of the same file or a
 * different file, lets `get` find a file by its original path, and spares reading what has not changed.
 *
 * It is an aid: without it nothing is lost, only compared by content again.
 */
export class Origins {
  readonly #rows: ReturnType<typeof rowsOf>

  constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  /** @param space - the space's number on this device */
  async get(space: number, source: string): Promise<Origin | undefined> {
    return this.#rows.get(keyOf(space, source))
  }

  async getMany(space: number, sources: readonly string[]): Promise<(Origin | undefined)[]> {
    return this.#rows.getMany(sources.map((source) => keyOf(space, source)))
  }

  async put(space: number, rows: readonly (readonly [source: string, origin: Origin])[]): Promise<void> {
    await this.#rows.batch(rows.map(([source, value]) => ({ type: 'put', key: keyOf(space, source), value })))
  }

  /** Forgets a space that ended. */
  async forget(space: number): Promise<void> {
    await this.#rows.clear({ gte: keyOf(space, ''), lt: `${space}\x01` })
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, Origin>('origins', { valueEncoding: 'json' })
}

function keyOf(space: number, source: string): string {
  return `${space}\0${source}`
}

/**
 * Names the state of a file by size, times and inode. The change time is among them because a program can set the
 * modification time back, but not that one.
 */
export function stampOf(stat: BigIntStats): string {
  return [stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino].join(':')
}

/** File systems count time in steps of up to two seconds (FAT): a change within one step leaves no trace in the stamp. */
const TIME_STEP_MS = 2000

/** The stamp, unless the file changed so recently that it could change again without the stamp showing it. */
export function trustedStamp(stat: BigIntStats, nowMs: number): { stamp: string } | undefined {
  const changedMs = Math.max(Number(stat.ctimeNs), Number(stat.mtimeNs)) / 1e6
  return changedMs + TIME_STEP_MS < nowMs ? { stamp: stampOf(stat) } : undefined
}

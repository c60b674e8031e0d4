import type { FolderMode, NodeId, SpaceId } from '@dittofs/interface'
import type { Level } from 'level'

/** A live folder as it is written down. */
export interface LinkedFolderRow {
  readonly id: string
  /** Absolute, as it was named; symlinks above it resolved. */
  readonly directory: string
  readonly space: SpaceId
  readonly node: NodeId
  readonly mode: FolderMode
}

/** Which directories are live folders, kept over restarts. */
export class LinkedFolders {
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #folders = new Map<string, LinkedFolderRow>()

  static async open(database: Level): Promise<LinkedFolders> {
    const linked = new LinkedFolders(database)
    for await (const row of linked.#rows.values()) linked.#folders.set(row.id, row)
    return linked
  }

  private constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  /** By directory. */
  all(): readonly LinkedFolderRow[] {
    return [...this.#folders.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1))
  }

  get(id: string): LinkedFolderRow | undefined {
    return this.#folders.get(id)
  }

  async put(row: LinkedFolderRow): Promise<void> {
    await this.#rows.put(row.id, row)
    this.#folders.set(row.id, row)
  }

  async delete(id: string): Promise<void> {
    await this.#rows.del(id)
    this.#folders.delete(id)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, LinkedFolderRow>('live-folders', { valueEncoding: 'json' })
}

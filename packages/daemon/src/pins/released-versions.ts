import type { NodeId, VersionId } from '@dittofs/interface'
import type { Level } from 'level'
import { SYNCED } from '../state/synced.ts'

/**
 * The versions whose bytes this device may drop: it was told that another device keeps them, and has promised nobody
 * since to keep them itself.
 */
export class ReleasedVersions {
  readonly #rows: ReturnType<typeof rowsOf>

  constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  /** For each node its versions, in the order asked. */
  async getMany(space: number, nodes: readonly NodeId[]): Promise<(readonly VersionId[])[]> {
    const rows = await this.#rows.getMany(nodes.map((node) => keyOf(space, node)))
    return rows.map((versions) => versions ?? [])
  }

  /** On stable storage when it returns. */
  async put(space: number, versions: readonly (readonly [NodeId, readonly VersionId[]])[]): Promise<void> {
    await this.#rows.batch(
      versions.map(([node, value]) => ({ type: 'put', key: keyOf(space, node), value })),
      SYNCED,
    )
  }

  /** On stable storage when it returns: others rely on what is promised after it. */
  async delete(space: number, nodes: readonly NodeId[]): Promise<void> {
    await this.#rows.batch(
      nodes.map((node) => ({ type: 'del', key: keyOf(space, node) })),
      SYNCED,
    )
  }
}

function keyOf(space: number, node: NodeId): string {
  return `${space}/${node}`
}

function rowsOf(database: Level) {
  return database.sublevel<string, readonly VersionId[]>('released-versions', { valueEncoding: 'json' })
}

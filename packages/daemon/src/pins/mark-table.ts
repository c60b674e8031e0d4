import type { NodeId, PinMark } from '@dittofs/interface'
import type { Level } from 'level'
import { SYNCED } from '../state/synced.ts'

interface MarkRow {
  readonly mark: PinMark
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** What a person decided about the bytes of files and directories on this device, by node, kept over restarts. */
export class MarkTable {
  readonly #rows: ReturnType<typeof rowsOf>
  /** By the number of the space. */
  readonly #marks = new Map<number, Map<NodeId, MarkRow>>()

  static async open(database: Level): Promise<MarkTable> {
    const table = new MarkTable(database)
    for await (const [key, row] of table.#rows.iterator()) {
      const slash = key.indexOf('/')
      table.#of(Number(key.slice(0, slash))).set(key.slice(slash + 1) as NodeId, row)
    }
    return table
  }

  private constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  /** Of one space, by node. */
  all(space: number): ReadonlyMap<NodeId, MarkRow> {
    return this.#marks.get(space) ?? new Map()
  }

  /** On stable storage when it returns: what is dropped later relies on it. */
  async put(space: number, nodes: readonly NodeId[], mark: PinMark, at: number): Promise<void> {
    await this.#rows.batch(
      nodes.map((node) => ({ type: 'put', key: keyOf(space, node), value: { mark, at } })),
      SYNCED,
    )
    for (const node of nodes) this.#of(space).set(node, { mark, at })
  }

  async delete(space: number, nodes: readonly NodeId[]): Promise<void> {
    await this.#rows.batch(
      nodes.map((node) => ({ type: 'del', key: keyOf(space, node) })),
      SYNCED,
    )
    for (const node of nodes) this.#of(space).delete(node)
  }

  #of(space: number): Map<NodeId, MarkRow> {
    let marks = this.#marks.get(space)
    if (marks === undefined) {
      marks = new Map()
      this.#marks.set(space, marks)
    }
    return marks
  }
}

function keyOf(space: number, node: NodeId): string {
  return `${space}/${node}`
}

function rowsOf(database: Level) {
  return database.sublevel<string, MarkRow>('pins', { valueEncoding: 'json' })
}

import { type SpaceId, spaceId } from '@dittofs/interface'
import type { Level } from 'level'

/** A one-off transfer that this device takes part in. */
export interface Transfer {
  readonly kind: 'send' | 'receive'
  /** When its ticket expires: milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The spaces of one-off transfers, kept over restarts so that nothing of them is left behind. */
export class TransferTable {
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #transfers = new Map<SpaceId, Transfer>()

  static async open(database: Level): Promise<TransferTable> {
    const table = new TransferTable(database)
    for await (const [id, transfer] of table.#rows.iterator()) table.#transfers.set(spaceId.parse(id), transfer)
    return table
  }

  constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  has(space: SpaceId): boolean {
    return this.#transfers.has(space)
  }

  all(): readonly (readonly [SpaceId, Transfer])[] {
    return [...this.#transfers]
  }

  async put(space: SpaceId, transfer: Transfer): Promise<void> {
    this.#transfers.set(space, transfer)
    await this.#rows.put(space, transfer)
  }

  async delete(space: SpaceId): Promise<void> {
    await this.#rows.del(space)
    this.#transfers.delete(space)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, Transfer>('transfers', { valueEncoding: 'json' })
}

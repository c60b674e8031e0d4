import type { Level } from 'level'
import { SYNCED } from '../state/synced.ts'
import type { GatewayRow } from './gateway-row.ts'

/** The gateways that serve whenever the daemon runs. */
export class GatewayTable {
  readonly #rows: ReturnType<typeof rowsOf>

  constructor(database: Level) {
    this.#rows = rowsOf(database)
  }

  all(): Promise<GatewayRow[]> {
    return this.#rows.values().all()
  }

  async put(row: GatewayRow): Promise<void> {
    await this.#rows.put(row.id, row, SYNCED)
  }

  async delete(id: string): Promise<void> {
    await this.#rows.del(id, SYNCED)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, GatewayRow>('gateways', { valueEncoding: 'json' })
}

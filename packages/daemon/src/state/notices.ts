import type { Clock } from '@dittofs/interface'
import type { Level } from 'level'

/** What a person should know and nobody was there to be told: the newest of them are kept. */
const MAX_NOTICES = 100

interface Notice {
  readonly text: string
  readonly at: number
}

/** Sentences for `status`, kept over restarts. */
export class Notices {
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #clock: Clock
  #notices: Notice[] = []

  /** Opens with what was kept. */
  static async open(database: Level, clock: Clock): Promise<Notices> {
    const notices = new Notices(database, clock)
    notices.#notices = (await notices.#rows.get('all')) ?? []
    return notices
  }

  constructor(database: Level, clock: Clock) {
    this.#rows = rowsOf(database)
    this.#clock = clock
  }

  /** The newest last, each with its time. */
  all(): readonly string[] {
    return this.#notices.map(({ at, text }) => `${new Date(at).toISOString()} ${text}`)
  }

  async add(text: string): Promise<void> {
    this.#notices = [...this.#notices, { text, at: this.#clock.now() }].slice(-MAX_NOTICES)
    await this.#rows.put('all', this.#notices)
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, Notice[]>('notices', { valueEncoding: 'json' })
}

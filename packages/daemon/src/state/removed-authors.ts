import type { Clock, DeviceKey, Membership, MetadataStore, SpaceId } from '@dittofs/interface'
import type { Level } from 'level'

/** A device whose removal this device saw, and what came of its log since. */
interface RemovedAuthor {
  readonly space: SpaceId
  readonly device: DeviceKey
  /** What it was called as a member. */
  readonly name: string
  readonly changes: number
  /** When the last of them came, in milliseconds since the Unix epoch. */
  readonly lastAt?: number
}

export interface RemovedAuthorsInit {
  database: Level
  clock: Pick<Clock, 'now'>
  /** Told that a row could not be stored; it is kept in memory. */
  onFailure: (error: unknown) => void
}

/**
 * Counts the changes by devices that are no members any more, for a person to know of: they come through a member that
 * has not heard of the removal, and nobody can tell them from changes made before it.
 *
 * Only removals that this device saw happen count: to a newcomer all that a device did before it was removed is new.
 */
export class RemovedAuthors {
  readonly #init: RemovedAuthorsInit
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #authors = new Map<string, RemovedAuthor>()
  #writing: Promise<unknown> = Promise.resolve()

  /** Opens with what was kept. */
  static async open(init: RemovedAuthorsInit): Promise<RemovedAuthors> {
    const authors = new RemovedAuthors(init)
    for await (const [key, author] of authors.#rows.iterator()) authors.#authors.set(key, author)
    return authors
  }

  constructor(init: RemovedAuthorsInit) {
    this.#init = init
    this.#rows = rowsOf(init.database)
  }

  /** Looks at a space for as long as it is open. */
  watch(membership: Membership, metadata: Pick<MetadataStore, 'onChange'>): void {
    const { space } = membership
    let names = namesIn(membership)
    membership.onChange((removed) => {
      for (const device of removed) this.#set({ space, device, name: names.get(device) ?? '', changes: 0 })
      names = namesIn(membership)
      for (const author of this.#authors.values()) {
        if (author.space === space && names.has(author.device)) this.#forget(author)
      }
    })
    metadata.onChange(({ isLocal, authors }) => {
      if (isLocal) return
      for (const [device, count] of authors) {
        const author = this.#authors.get(keyOf({ space, device }))
        if (author === undefined) continue
        this.#set({ ...author, changes: author.changes + count, lastAt: this.#init.clock.now() })
      }
    })
  }

  /** One sentence for each of which changes came. @param describe - names the device and the space for a person */
  notices(describe: (author: { space: SpaceId; device: DeviceKey; name: string }) => string): string[] {
    return [...this.#authors.values()].flatMap((author) => {
      const { changes, lastAt } = author
      if (lastAt === undefined) return []
      const counted = `${changes} ${changes === 1 ? 'change' : 'changes'}`
      return [
        `${new Date(lastAt).toISOString()} ${counted} by a removed device came after its removal, ${describe(author)}: ` +
          'through a member that had not heard of it. "dittofs list -v" shows who made each version.',
      ]
    })
  }

  /** Resolves when what was noted is stored. */
  async close(): Promise<void> {
    await this.#writing
  }

  #set(author: RemovedAuthor): void {
    this.#authors.set(keyOf(author), author)
    this.#write(() => this.#rows.put(keyOf(author), author))
  }

  #forget(author: RemovedAuthor): void {
    this.#authors.delete(keyOf(author))
    this.#write(() => this.#rows.del(keyOf(author)))
  }

  #write(write: () => Promise<void>): void {
    this.#writing = this.#writing.then(write).catch(this.#init.onFailure)
  }
}

function namesIn(membership: Membership): ReadonlyMap<DeviceKey, string> {
  return new Map(membership.members().map(({ key, name }) => [key, name]))
}

function keyOf({ space, device }: Pick<RemovedAuthor, 'space' | 'device'>): string {
  return `${space}/${device}`
}

function rowsOf(database: Level) {
  return database.sublevel<string, RemovedAuthor>('removed-authors', { valueEncoding: 'json' })
}

import { rm } from 'node:fs/promises'
import path from 'node:path'
import {
  type ChunkerKind,
  type Clock,
  DittoError,
  isDittoError,
  type Logger,
  type RandomBytes,
  type RetentionRule,
  type SpaceId,
} from '@dittofs/interface'
import { type Identity, verifySignature } from '@dittofs/link'
import type { Memberships, SpaceMembership } from '@dittofs/membership'
import { openMetadataStore } from '@dittofs/metadata'
import type { Level } from 'level'
import { forEachBounded } from '../for-each-bounded.ts'
import { openHistory } from './open-history.ts'
import type { OpenSpace } from './open-space.ts'
import { HOME_SPACE } from './select-space.ts'

/** Spaces opened at once: each reads its whole document. */
const OPENED_AT_ONCE = 4

export interface SpaceRegistryInit {
  /** The home's directory of spaces; the metadata of space N is in `N/` of it. */
  directory: string
  database: Level
  memberships: Memberships
  identity: Identity
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
  /** What histories keep. */
  retention: RetentionRule
  /** Told of a space that was opened, at the start and whenever one is made or joined. */
  onOpen: (space: OpenSpace) => void
  /** Told of a space that is forgotten, before its metadata is closed. */
  onDiscard: (space: OpenSpace) => Promise<void>
  /** Spaces that last as long as a transfer: {@link SpaceRegistry.openAside} opens them, nothing else shows them. */
  isAside: (space: SpaceId) => boolean
}

/** The spaces of this device: who is a member follows from its statements, what they show from a store for each. */
export class SpaceRegistry {
  readonly #init: SpaceRegistryInit
  readonly #numbers: ReturnType<typeof numbersOf>
  readonly #discarded: ReturnType<typeof discardedOf>
  readonly #spaces = new Map<SpaceId, OpenSpace>()
  /** Spaces of transfers. */
  readonly #aside = new Map<SpaceId, OpenSpace>()
  readonly #adopting = new Map<SpaceId, Promise<OpenSpace>>()
  #numbering: Promise<unknown> = Promise.resolve()

  /** @throws DittoError DITTO_STORE_CORRUPT, DITTO_STORE_VERSION, DITTO_IO */
  static async open(init: SpaceRegistryInit): Promise<SpaceRegistry> {
    const registry = new SpaceRegistry(init)
    try {
      await forEachBounded(init.memberships.spaces(), OPENED_AT_ONCE, async (membership) => {
        if (init.isAside(membership.space)) return
        const isDiscarded = await registry.#discarded.get(membership.space)
        if (isDiscarded === undefined) await registry.adopt(membership)
      })
      // A join that was cut short after the other device had agreed.
      const joined = registry.all().find((space) => space.membership.members().length > 1)
      const membership = joined === undefined ? undefined : init.memberships.get(joined.id)
      if (membership !== undefined) await registry.discardUnused(membership)
    } catch (error) {
      await registry.close()
      throw error
    }
    return registry
  }

  constructor(init: SpaceRegistryInit) {
    this.#init = init
    this.#numbers = numbersOf(init.database)
    this.#discarded = discardedOf(init.database)
  }

  /** By name, then by ID. */
  all(): readonly OpenSpace[] {
    return [...this.#spaces.values()].sort((a, b) => (a.name < b.name || (a.name === b.name && a.id < b.id) ? -1 : 1))
  }

  get(id: SpaceId): OpenSpace | undefined {
    return this.#spaces.get(id)
  }

  /** Whether the space is open, shown or not. */
  isOpen(id: SpaceId): boolean {
    return this.#spaces.has(id) || this.#aside.has(id)
  }

  /** Opens a space for a transfer: it shows nowhere and nothing follows it. */
  async openAside(membership: SpaceMembership): Promise<OpenSpace> {
    const space = await this.#load(membership)
    this.#aside.set(space.id, space)
    return space
  }

  /** What is stored stays. */
  async closeAside(id: SpaceId): Promise<void> {
    const space = this.#aside.get(id)
    if (space === undefined) return
    this.#aside.delete(id)
    await this.#init.onDiscard(space)
    await closeSpace(space)
  }

  /**
   * Removes what is stored of a space that is not open, but for its chunks and its members.
   *
   * @returns its number
   */
  async erase(id: SpaceId): Promise<number | undefined> {
    const number = await this.#numbers.get(id)
    if (number === undefined) return undefined
    for (const name of [`${number}`, `history-${number}`]) {
      await rm(path.join(this.#init.directory, name), { recursive: true, force: true })
    }
    await this.#numbers.del(id)
    return number
  }

  /** Makes a space whose first member is this device. */
  async create(name: string, chunker: ChunkerKind, deviceName: string): Promise<OpenSpace> {
    return this.adopt(await this.#init.memberships.createSpace({ name, chunker, deviceName }))
  }

  /**
   * Makes a space that has to be filled before it counts: whatever ends before, it is not there after a restart.
   *
   * @throws what `fill` throws; the space is forgotten then
   */
  async createWhole(
    name: string,
    chunker: ChunkerKind,
    deviceName: string,
    fill: (space: OpenSpace) => Promise<void>,
  ): Promise<OpenSpace> {
    const membership = await this.#init.memberships.createSpace({
      ...{ name, chunker, deviceName },
      beforeStored: (id) => this.#discarded.put(id, true),
    })
    const space = await this.adopt(membership)
    try {
      await fill(space)
    } catch (error) {
      await this.#forget(space)
      throw error
    }
    await this.#discarded.del(membership.space)
    return space
  }

  /** `NAME-2`, or the first such name that no space of this device has. */
  freeName(name: string): string {
    const taken = new Set(this.all().map((space) => space.name))
    for (let number = 2; ; number++) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`
  }

  /** Spaces that this device once held and forgot, so that what is stored for them can be freed. */
  async discarded(): Promise<readonly SpaceId[]> {
    const ids: SpaceId[] = []
    for await (const id of this.#discarded.keys()) if (!this.#spaces.has(id as SpaceId)) ids.push(id as SpaceId)
    return ids
  }

  /** Opens the metadata of a space this device has become a member of. Opening it again gives the same. */
  async adopt(membership: SpaceMembership): Promise<OpenSpace> {
    const id = membership.space
    const known = this.#spaces.get(id) ?? this.#adopting.get(id)
    if (known !== undefined) return known
    const opening = this.#open(membership).finally(() => this.#adopting.delete(id))
    this.#adopting.set(id, opening)
    return opening
  }

  /**
   * Forgets the space `home` that a new device has where another takes its place and nobody ever used it: only this
   * device is a member, nothing is in it, nobody is invited.
   */
  async discardUnused(instead: SpaceMembership): Promise<void> {
    const { memberships } = this.#init
    if (instead.name !== HOME_SPACE) return
    for (const space of this.all()) {
      const { files, directories, symlinks } = space.metadata.counts()
      const isShared = space.membership.members().length > 1 || space.membership.statements().length > 1
      const isInvitedTo = memberships.invitations.list().some((invitation) => invitation.space === space.id)
      const isUsed = isShared || isInvitedTo || files + directories + symlinks > 0
      if (space.id === instead.space || space.name !== HOME_SPACE || isUsed) continue
      await this.#discarded.put(space.id, true)
      await this.#forget(space)
    }
  }

  /** Two spaces of one name could not be told apart: this device calls the later one `NAME-2`. Others are not asked. */
  async giveOwnLabel(membership: SpaceMembership): Promise<void> {
    const taken = new Set(this.all().flatMap((space) => (space.id === membership.space ? [] : [space.name])))
    const { name } = membership
    for (let number = 2; taken.has(membership.name); number++) await membership.rename(`${name}-${number}`)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#spaces.values(), ...this.#aside.values()].map(closeSpace))
    this.#aside.clear()
    this.#spaces.clear()
  }

  async #forget(space: OpenSpace): Promise<void> {
    this.#spaces.delete(space.id)
    await this.#init.onDiscard(space)
    await space.metadata.close()
  }

  async #open(membership: SpaceMembership): Promise<OpenSpace> {
    const space = await this.#load(membership)
    this.#spaces.set(space.id, space)
    this.#init.onOpen(space)
    return space
  }

  async #load(membership: SpaceMembership): Promise<OpenSpace> {
    const { identity, clock, randomBytes, logger } = this.#init
    const numbering = this.#numbering.then(() => this.#numberOf(membership.space))
    this.#numbering = numbering.catch(() => undefined)
    const number = await numbering
    const directory = path.join(this.#init.directory, String(number))
    const metadata = await openMetadataStore({
      directory,
      space: membership.space,
      device: identity.key,
      sign: (bytes) => identity.sign(bytes),
      verify: verifySignature,
      randomBytes,
      clock,
      logger,
      deviceLabel: (key) => membership.members().find((member) => member.key === key)?.name ?? key.slice(0, 8),
    }).catch((error: unknown) => {
      throw describeDamage(error, membership.name, directory)
    })
    const history = await openHistory({
      directory: path.join(this.#init.directory, `history-${number}`),
      ...{ store: metadata, device: identity.key, clock, logger, retention: this.#init.retention },
    }).catch(async (error: unknown) => {
      await metadata.close()
      throw error
    })
    return {
      id: membership.space,
      number,
      get name() {
        return membership.name
      },
      membership,
      metadata,
      history,
    }
  }

  /** Numbers go up and are never given again: rows that name one may outlive its space. */
  async #numberOf(id: SpaceId): Promise<number> {
    const known = await this.#numbers.get(id)
    if (known !== undefined) return known
    const number = ((await this.#numbers.get('last')) ?? 0) + 1
    await this.#numbers.batch([
      { type: 'put', key: 'last', value: number },
      { type: 'put', key: id, value: number },
    ])
    return number
  }
}

/** The history follows the metadata to its end. */
async function closeSpace({ history, metadata }: OpenSpace): Promise<void> {
  await history.close()
  await metadata.close()
}

function numbersOf(database: Level) {
  return database.sublevel<string, number>('space-numbers', { valueEncoding: 'json' })
}

function discardedOf(database: Level) {
  return database.sublevel<string, true>('discarded-spaces', { valueEncoding: 'json' })
}

function describeDamage(error: unknown, name: string, directory: string): unknown {
  if (!isDittoError(error, 'DITTO_STORE_CORRUPT')) return error
  return new DittoError(
    'DITTO_STORE_CORRUPT',
    `The metadata of the space ${JSON.stringify(name)} in ${JSON.stringify(directory)} is damaged; nothing was changed. Restore that directory from a backup, or move it away and start again: it then comes anew from another device.`,
    { cause: error, details: { directory } },
  )
}

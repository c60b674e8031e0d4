import type { DeviceKey, KnockMatch, SpaceId } from '@dittofs/interface'
import type { KnockKey } from '@dittofs/link'
import type { Memberships } from '@dittofs/membership'
import type { ConnectorSecrets, FindKey, WantedPeer } from '../connector/connector-secrets.ts'

export interface DeviceSecretsInit {
  memberships: Memberships
  /** Whether this device still keeps the space. */
  isKept: (space: SpaceId) => boolean
}

/** By what this device and others know each other, from its memberships and invitations. */
export class DeviceSecrets implements ConnectorSecrets {
  readonly #memberships: Memberships
  readonly #isKept: (space: SpaceId) => boolean

  constructor(init: DeviceSecretsInit) {
    this.#memberships = init.memberships
    this.#isKept = init.isKept
  }

  knockKeys(): readonly KnockKey[] {
    return this.#secrets().map(({ match, knock }) => ({ match, secret: knock }))
  }

  findKeys(): readonly FindKey[] {
    return this.#secrets().flatMap(({ match, find }) => (find === undefined ? [] : [{ match, key: find }]))
  }

  peers(): readonly WantedPeer[] {
    const spaces = new Map<DeviceKey, string[]>()
    for (const membership of this.#spaces()) {
      for (const { key } of membership.members()) {
        if (key !== this.#memberships.self) spaces.set(key, [...(spaces.get(key) ?? []), membership.space])
      }
    }
    return [...spaces].map(([key, names]) => ({ key, spaces: names }))
  }

  /**
   * A ticket's holder may be anybody: it gets no further than pairing. Who knows a space's secret is a member, or was
   * added by a device that this one has not heard from since; one that was removed is neither.
   */
  accept(match: KnockMatch, peer: DeviceKey): boolean {
    if (match.kind === 'ticket') return true
    const membership = this.#spaces().find(({ space }) => space === match.name)
    return membership !== undefined && !membership.wasRemoved(peer)
  }

  /** Spaces that this device belongs to. */
  #spaces() {
    const { self } = this.#memberships
    return this.#memberships
      .spaces()
      .filter((membership) => this.#isKept(membership.space) && membership.role(self) !== undefined)
  }

  #secrets() {
    const own = new Set<string>(this.#spaces().map(({ space }) => space))
    return this.#memberships.secrets().filter(({ match }) => match.kind === 'ticket' || own.has(match.name))
  }
}

import type { DeviceKey, KnockMatch, Membership, SpaceId } from '@dittofs/interface'
import { decodeStatementsMessage, encodeStatementsMessage } from '@dittofs/wire'

/** How a session exchanges membership statements, before anything else is said of any space. */
export interface StatementExchange {
  /** Payloads of the `statements` messages to begin with. */
  start(peer: DeviceKey, match: KnockMatch): Iterable<Uint8Array>
  /**
   * Takes one payload of a peer; what it changed is durable on return.
   *
   * @returns payloads to answer with
   * @throws DittoError DITTO_PROTOCOL, DITTO_STATEMENT_INVALID, DITTO_LIMIT
   */
  receive(payload: Uint8Array, peer: DeviceKey, match: KnockMatch): Promise<Iterable<Uint8Array>>
  /** Payloads to send a peer of a running session after statements were added to a space. */
  changed(space: SpaceId, peer: DeviceKey): Iterable<Uint8Array>
}

/** What of a space's membership the exchange uses; `from` lets it limit what one peer brings. */
export type ExchangedMembership = Pick<Membership, 'space' | 'role' | 'wasRemoved' | 'statements'> & {
  receive(statements: readonly Uint8Array[], from?: DeviceKey): Promise<number>
}

export interface StatementExchangeInit {
  memberships: () => Iterable<ExchangedMembership>
  /** 32-byte IDs of statements. */
  statementIds: (statements: readonly Uint8Array[]) => readonly Uint8Array[]
  /** Those of `statements` that `have` does not name, in messages, parents first. */
  missingStatements: (
    statements: readonly Uint8Array[],
    have: readonly Uint8Array[],
  ) => readonly (readonly Uint8Array[])[]
}

/**
 * Exchanges the statements of each space that the peer is a member of. A newcomer, whom this device has not heard of but
 * who knows the secret of a space, is told which statements are here by their IDs alone; it gets them once those it
 * brings make it a member. A removed device is told nothing.
 */
export function statementExchange(init: StatementExchangeInit): StatementExchange {
  const { statementIds, missingStatements } = init
  const found = (space: SpaceId) => {
    for (const membership of init.memberships()) if (membership.space === space) return membership
    return undefined
  }
  const isMember = (membership: ExchangedMembership, peer: DeviceKey) => membership.role(peer) !== undefined
  const mayBecome = (membership: ExchangedMembership, peer: DeviceKey, match: KnockMatch) =>
    match.kind === 'space' && match.name === membership.space && !membership.wasRemoved(peer)
  const send = (membership: ExchangedMembership, have: readonly Uint8Array[]) =>
    missingStatements(membership.statements(), have).map((statements) =>
      encodeStatementsMessage({ space: membership.space, statements }),
    )

  return {
    *start(peer, match) {
      for (const membership of init.memberships()) {
        if (!isMember(membership, peer) && !mayBecome(membership, peer, match)) continue
        yield encodeStatementsMessage({ space: membership.space, have: statementIds(membership.statements()) })
      }
    },

    async receive(payload, peer, match) {
      const { space, have, statements } = decodeStatementsMessage(payload)
      const membership = found(space)
      if (membership === undefined) return []
      const wasMember = isMember(membership, peer)
      if (!wasMember && !mayBecome(membership, peer, match)) return []
      if (statements !== undefined) await membership.receive(statements, peer)
      if (!isMember(membership, peer)) return []
      if (!wasMember) return send(membership, statementIds(statements ?? []))
      return have === undefined ? [] : send(membership, have)
    },

    changed(space, peer) {
      const membership = found(space)
      return membership === undefined || !isMember(membership, peer) ? [] : send(membership, [])
    },
  }
}

import type { DeviceKey, KnockMatch } from '@dittofs/interface'

/**
 * How a session exchanges membership statements, before anything else is said of any space. Implemented outside:
 * the session only carries the payloads, each of a message of type `statements`.
 */
export interface StatementExchange {
  /**
   * What to send a peer first: statements of the spaces that it may know of, which are those it is a member of and
   * the one whose secret opened the knock.
   */
  start(peer: DeviceKey, match: KnockMatch): Iterable<Uint8Array>
  /**
   * Takes one payload of a peer; what it changed is durable on return.
   *
   * @returns payloads to answer with
   * @throws DittoError DITTO_PROTOCOL, DITTO_STATEMENT_INVALID, DITTO_LIMIT
   */
  receive(payload: Uint8Array, peer: DeviceKey, match: KnockMatch): Promise<Iterable<Uint8Array>>
}

import type { Duplex } from 'node:stream'
import type { Link } from '@dittofs/interface'
import {
  type AcceptLinkInit,
  acceptLink,
  type ConnectLinkInit,
  connectionGate,
  connectLink,
  createIdentity,
  type KnockKey,
  knockKey,
} from '../../src/index.ts'
import { duplexPair } from './duplex-pair.ts'
import { tcpPair } from './tcp-pair.ts'

export const [alice, bob, mallory] = await Promise.all([createIdentity(), createIdentity(), createIdentity()])

export const MEET = Buffer.alloc(32, 'meet')
export const SPACE_KEYS: readonly KnockKey[] = [
  { match: { kind: 'space', name: 'home' }, secret: knockKey(MEET, 'knock') },
]

type DuplexPair = readonly [Duplex, Duplex]

/** The kinds of connections that links run over. */
export const CONNECTIONS: readonly { readonly name: string; readonly connect: () => Promise<DuplexPair> }[] = [
  { name: 'TCP', connect: tcpPair },
  { name: 'memory', connect: async () => duplexPair() },
  { name: 'slow memory', connect: async () => duplexPair({ pieceBytes: 700 }) },
]

/** Alice calls, expecting Bob. */
export function aliceCalls(duplex: Duplex, init: Partial<ConnectLinkInit> = {}): Promise<Link> {
  return connectLink({
    duplex,
    transport: 'test',
    remote: 'test://bob',
    identity: alice,
    knockKeys: SPACE_KEYS,
    expected: bob.key,
    ...init,
  })
}

/** Bob answers, expecting Alice. */
export function bobAnswers(duplex: Duplex, init: Partial<AcceptLinkInit> = {}): Promise<Link> {
  return acceptLink({
    duplex,
    transport: 'test',
    remote: 'test://alice',
    identity: bob,
    knockKeys: () => SPACE_KEYS,
    accept: (_match, peer) => peer === alice.key,
    gate: connectionGate(),
    ...init,
  })
}

export async function linkPair([first, second]: DuplexPair): Promise<readonly [Link, Link]> {
  return Promise.all([aliceCalls(first), bobAnswers(second)])
}

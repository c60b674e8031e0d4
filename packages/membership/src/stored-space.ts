import { DittoError, type SpaceId, spaceId } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from '@dittofs/wire'
import { judgingTurns } from './judging-turns.ts'
import type { KeyValueChange, KeyValueStore } from './key-value-store.ts'
import type { VerifySignature } from './signer.ts'
import { decodeStatement } from './statement.ts'
import { StatementGraph } from './statement-graph.ts'

/** What is stored of a space beside its statements. */
export interface SpaceRecord {
  readonly name: string
  /** 32 bytes, secret. */
  readonly meet: Uint8Array
}

const SPACE_PREFIX = 'space/'
const STATEMENT_PREFIX = 'statement/'

/** `space/ID`: CBOR map of name and meet. */
export function putSpace(space: SpaceId, record: SpaceRecord): KeyValueChange {
  return { type: 'put', key: SPACE_PREFIX + space, value: encodeCbor(record) }
}

/** `statement/ID/INDEX`, the index in four decimal digits: a space's statements lie in an order with parents first. */
export function putStatement(space: SpaceId, index: number, bytes: Uint8Array): KeyValueChange {
  return { type: 'put', key: `${STATEMENT_PREFIX}${space}/${String(index).padStart(4, '0')}`, value: bytes }
}

/** Takes back what {@link putSpace} and {@link putStatement} wrote. @param statements - how many there are */
export function deleteSpace(space: SpaceId, statements: number): KeyValueChange[] {
  const keys = Array.from({ length: statements }, (_, index) => putStatement(space, index, new Uint8Array()).key)
  return [SPACE_PREFIX + space, ...keys].map((key) => ({ type: 'del', key }))
}

/** @throws DittoError DITTO_STORE_CORRUPT */
export async function loadSpaces(
  store: KeyValueStore,
  verify: VerifySignature,
): Promise<{ record: SpaceRecord; graph: StatementGraph }[]> {
  const spaces: { record: SpaceRecord; graph: StatementGraph }[] = []
  for await (const [key, value] of store.entries(SPACE_PREFIX)) {
    const space = spaceId.parse(key.slice(SPACE_PREFIX.length))
    spaces.push({ record: readRecord(value), graph: await loadGraph(store, space, verify) })
  }
  return spaces
}

async function loadGraph(store: KeyValueStore, space: SpaceId, verify: VerifySignature): Promise<StatementGraph> {
  const graph = new StatementGraph(space)
  const turn = judgingTurns(graph)
  for await (const [, bytes] of store.entries(`${STATEMENT_PREFIX}${space}/`)) {
    await turn()
    try {
      if (graph.add(decodeStatement(bytes, verify)) === 'added') continue
    } catch (cause) {
      throw corrupt(cause)
    }
    throw corrupt()
  }
  if (graph.size === 0) throw corrupt()
  await turn()
  return graph
}

function readRecord(bytes: Uint8Array): SpaceRecord {
  const map = decodeCbor(bytes)
  const name: unknown = map instanceof Map ? map.get('name') : undefined
  const meet: unknown = map instanceof Map ? map.get('meet') : undefined
  if (typeof name !== 'string' || !(meet instanceof Uint8Array) || meet.length !== 32) throw corrupt()
  return { name, meet }
}

function corrupt(cause?: unknown): DittoError {
  return new DittoError('DITTO_STORE_CORRUPT', 'The stored list of members is damaged: restore it from a backup.', {
    cause,
  })
}

import { statementId } from './statement.ts'

/** Statement bytes in one message: far below the frame limit. */
export const MAX_STATEMENT_BATCH_BYTES = 256 * 1024

/** The 32-byte IDs of statements, to tell a peer what is here. */
export function statementIds(statements: readonly Uint8Array[]): Uint8Array[] {
  return statements.map((bytes) => Buffer.from(statementId(bytes), 'hex'))
}

/**
 * What to send to a peer, in messages, parents first.
 *
 * @param statements - all that are here, parents first
 * @param have - IDs that the peer named
 */
export function missingStatements(statements: readonly Uint8Array[], have: readonly Uint8Array[]): Uint8Array[][] {
  const known = new Set(have.map((id) => Buffer.from(id).toString('hex')))
  const batches: Uint8Array[][] = []
  let bytesInBatch = 0
  for (const statement of statements) {
    if (known.has(statementId(statement))) continue
    const last = batches.at(-1)
    if (last === undefined || bytesInBatch + statement.length > MAX_STATEMENT_BATCH_BYTES) {
      batches.push([statement])
      bytesInBatch = statement.length
    } else {
      last.push(statement)
      bytesInBatch += statement.length
    }
  }
  return batches
}

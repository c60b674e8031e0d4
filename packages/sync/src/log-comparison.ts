import type { LogDigest, LogDigests } from '@dittofs/interface'
import { encodeMessage, LOG_DIGEST_BYTES, MAX_DIGESTS_PER_MESSAGE } from '@dittofs/wire'

/** Bytes of a log's number, before its digest. */
const NUMBER_BYTES = 8

/** What a device holds of every log, as messages: at least one, each of at most MAX_DIGESTS_PER_MESSAGE logs. */
export function* encodeDigests(space: number, { stateHash, logs }: LogDigests): Generator<Uint8Array> {
  let at = 0
  do {
    const page = logs.slice(at, at + MAX_DIGESTS_PER_MESSAGE)
    at += page.length
    const bytes = Buffer.alloc(page.length * LOG_DIGEST_BYTES)
    for (const [index, { log, digest }] of page.entries()) {
      bytes.writeBigUInt64BE(BigInt(log), index * LOG_DIGEST_BYTES)
      bytes.set(digest, index * LOG_DIGEST_BYTES + NUMBER_BYTES)
    }
    yield encodeMessage({ type: 'digests', space, state: stateHash, logs: bytes, hasMore: at < logs.length })
  } while (at < logs.length)
}

/** The logs held here of which a peer told another digest. What it tells of logs that are not held here counts for nothing. */
export function differingLogs(own: LogDigests, pages: readonly Uint8Array[]): readonly LogDigest[] {
  const held = new Map(own.logs.map((log) => [BigInt(log.log), log]))
  const differing = new Set<LogDigest>()
  for (const page of pages) {
    const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength)
    for (let at = 0; at + LOG_DIGEST_BYTES <= bytes.length; at += LOG_DIGEST_BYTES) {
      const log = held.get(bytes.readBigUInt64BE(at))
      const told = bytes.subarray(at + NUMBER_BYTES, at + LOG_DIGEST_BYTES)
      if (log !== undefined && !told.equals(log.digest)) differing.add(log)
    }
  }
  return [...differing]
}

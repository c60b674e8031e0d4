import { MAX_TRANSFER_BYTES } from '@dittofs/interface'

/**
 * A record holds a WRITE of MAX_TRANSFER_BYTES with the header before it: at most 400 bytes each of credential and
 * verifier (RFC 5531 8.2), a handle and a few numbers.
 */
export const MAX_RECORD_BYTES = MAX_TRANSFER_BYTES + 4096
/** Some clients send fragments of 4,000 bytes; empty ones must end too. */
export const MAX_FRAGMENTS = 1024
/** Calls of one connection that have been taken and whose answers have not left: Linux sends 64 to 128 at a time. */
export const MAX_CALLS_PER_CONNECTION = 64
/** Bytes of such calls and their answers; one call is always taken. */
export const MAX_CONNECTION_BYTES = 8 * 1024 * 1024
/** The same over all connections of a gateway. What runs out is memory. */
export const MAX_GATEWAY_BYTES = 128 * 1024 * 1024
/** Bytes of calls that are begun before other connections and the rest of the process have their turn. */
export const BYTES_PER_TURN = 256 * 1024
/** What the answer of a call takes at least, with what stands around it in memory. */
export const MIN_CALL_BYTES = 4096
export const DEFAULT_MAX_CONNECTIONS = 512
export const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 128
/** A kernel client closes a connection itself that it has not used for five minutes. */
export const DEFAULT_IDLE_TIMEOUT_MS = 15 * 60_000
/** How long a record may be on its way, an answer be left unread, and a new connection say nothing. */
export const DEFAULT_STALL_TIMEOUT_MS = 60_000
/** Answers kept for calls that come again, and for how long. A client sends again within a minute or not at all. */
export const MAX_DUPLICATES = 1024
export const DUPLICATE_LIFETIME_MS = 120_000
/** Lines of the list of who has mounted what (RFC 1813 5.2.2); older ones give way. */
export const MAX_MOUNT_ENTRIES = 256
/** Bytes of a listing in one answer: some hundred entries, encoded within a millisecond. */
export const MAX_LISTING_BYTES = 64 * 1024
/** Files written to and not committed that are remembered; past that the oldest is committed. */
export const MAX_DIRTY_FILES = 1024

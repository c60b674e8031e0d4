/**
 * What one client, and all of them, may use of a gateway. Safety limits, each with what runs out past it.
 *
 * @see docs/gateways.md
 */

/** Request line and header fields of one request: a long `If` header fits. */
export const MAX_HEADER_BYTES = 32 * 1024
/** An XML request body, before it is parsed. */
export const MAX_XML_BYTES = 256 * 1024
/** Elements within elements of an XML body: code that walks it is recursive. */
export const MAX_XML_DEPTH = 64
/** Elements and attributes of an XML body. */
export const MAX_XML_NODES = 4096
/** How long an XML body may take to arrive. */
export const XML_BODY_TIMEOUT_MS = 30_000
/** Conditions of an `If` header, in all its lists: each may be for another URL, which is looked up. */
export const MAX_IF_CONDITIONS = 64
/** Ranges of one `Range` header; a request with more is answered with the whole file, as RFC 9110 14.2 allows. */
export const MAX_RANGES = 32
/** A body of a PUT that is said to be so short is waited for as a whole: on all connections together 32 MiB at most. */
export const MAX_SMALL_BODY_BYTES = 64 * 1024
/** A body up to this size is kept in memory until it is whole; a larger one in a file of the spool. */
export const MAX_SPOOL_MEMORY_BYTES = 1024 * 1024
/** What the bodies in memory hold together; past it also small ones go to a file. */
export const MAX_SPOOL_MEMORY_TOTAL_BYTES = 32 * 1024 * 1024
/** Of a body that nobody wants, read so that the client sees the answer; past it the connection is cut. */
export const MAX_UNWANTED_BODY_BYTES = 8 * 1024 * 1024

/** Locks of the gateway, and of one principal at one address: each is looked at when a directory is removed. */
export const MAX_LOCKS = 4096
export const MAX_LOCKS_PER_CLIENT = 1024
/** The owner element of a lock, as XML. */
export const MAX_LOCK_OWNER_BYTES = 4096
/** Seconds for which a lock is given at most, and when the client does not say. */
export const MAX_LOCK_SECONDS = 3600

/** Dead properties of one node: how many, and their XML together. */
export const MAX_DEAD_PROPERTIES = 128
export const MAX_DEAD_PROPERTY_BYTES = 64 * 1024

/** Sidecar files held in memory: one, all of them, and how many. */
export const MAX_SIDECAR_BYTES = 1024 * 1024
export const MAX_SIDECARS_TOTAL_BYTES = 32 * 1024 * 1024
export const MAX_SIDECARS = 8192

/** Symlinks followed on the way to one resource, as Linux counts them. */
export const MAX_LINKS_FOLLOWED = 40
/** Entries of a directory asked for at once while it is listed. */
export const LISTING_PAGE = 256
/** Bytes read from a volume, or written to it, at once. */
export const TRANSFER_BYTES = 512 * 1024

export const DEFAULT_MAX_CONNECTIONS = 512
export const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 128
/** A connection on which nothing moves for so long, and for which nothing is being done, is ended. */
export const DEFAULT_IDLE_TIMEOUT_MS = 120_000
/** How long a connection may wait for its next request. */
export const KEEP_ALIVE_MS = 30_000
/** How long request line and header fields may take to arrive. */
export const HEADERS_TIMEOUT_MS = 30_000
/** Requests that a client sends on one connection before it has the answers; they are run one after the other. */
export const MAX_PIPELINED_REQUESTS = 16
/** Failed credentials from one address before it has to wait, and how fast they are forgiven. */
export const FAILURES_BEFORE_WAIT = 10
export const FAILURE_FORGIVEN_MS = 3000
/** Addresses whose failures are remembered. */
export const MAX_FAILING_ADDRESSES = 4096

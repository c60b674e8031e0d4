/**
 * Limits that are part of the formats and the protocol (`MAX_`) and defaults that may be configured (`DEFAULT_`).
 *
 * @see docs/limits.md
 */

/** Content-defined chunking: no chunk but a file's last is smaller. */
export const MIN_CHUNK_BYTES = 16 * 1024
/** The mean that content-defined chunking aims at, and the exact size of `fixed` chunks. */
export const TARGET_CHUNK_BYTES = 64 * 1024
/** No chunk is larger, whatever made it. */
export const MAX_CHUNK_BYTES = 256 * 1024

/** A file: 16 TiB. */
export const MAX_FILE_BYTES = 2 ** 44
/** A manifest of at most this many chunks travels inside the metadata; a longer one is content of its own. */
export const MAX_INLINE_CHUNKS = 4
/** Entries of one manifest node. */
export const MAX_MANIFEST_NODE_ENTRIES = 4096
/** Levels of manifest nodes above the chunks of a file. */
export const MAX_MANIFEST_DEPTH = 3

/** One frame's payload, refused before anything is allocated for it. */
export const MAX_FRAME_BYTES = 1024 * 1024
/** Chunk IDs named in one request. */
export const MAX_IDS_PER_REQUEST = 4096
/** Requests a peer may have open at once. */
export const MAX_REQUESTS_IN_FLIGHT = 64
/** Answers queued for one peer; past it nothing more is read from that peer. */
export const MAX_QUEUED_ANSWER_BYTES = 8 * 1024 * 1024
/** One document update, after its frames were joined. */
export const MAX_UPDATE_BYTES = 8 * 1024 * 1024

/** UTF-8 bytes of one name, of one path, and parts of one path. */
export const MAX_NAME_BYTES = 255
export const MAX_PATH_BYTES = 4096
export const MAX_PATH_PARTS = 128

/** UTF-8 bytes of a label: a device's name, a space's name, a platform. */
export const MAX_LABEL_BYTES = 128

/** Membership statements of a space, and the bytes of one. */
export const MAX_STATEMENTS = 512
export const MAX_STATEMENT_BYTES = 1024

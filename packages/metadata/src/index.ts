/**
 * The Yjs document of a space: tree, versions, conflicts.
 *
 * @packageDocumentation
 */
export {}

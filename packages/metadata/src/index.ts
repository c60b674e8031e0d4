/**
 * The metadata of a space: a Yjs document with a log per writer, what its entries mean, and how it is exchanged.
 *
 * ```ts
 * const store = await openMetadataStore({
 *   directory: 'spaces/home', space, device, sign, verify, randomBytes, clock, deviceLabel, logger,
 * })
 * await store.transact([{ type: 'mkdir', path: 'photos', directory: { mode: 0o755, mtimeNs: 0n } }])
 * store.lookup('photos')?.kind // 'directory'
 * ```
 *
 * @packageDocumentation
 */

export type { HistoryDatabase } from './history/history-database.ts'
export { spaceHistory } from './history/open-space-history.ts'
export type { SpaceHistoryInit } from './history/space-history.ts'
export { MAX_MERGE_BYTES, mergeText, type TextClash, type TextMerge } from './merge-text.ts'
export type { Database } from './metadata-database.ts'
export { type MetadataStoreInit, openMetadataStore, yjsMetadataStore } from './open-metadata-store.ts'
export type { DeviceLabel } from './tree-view.ts'
export type { Verify } from './update-guard.ts'
export type { YjsMetadataStoreInit } from './yjs-metadata-store.ts'

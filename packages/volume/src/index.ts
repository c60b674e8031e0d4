/**
 * A space as a file system: handles, listings, reads by range, write buffers.
 *
 * ```ts
 * const volume = await openVolume({
 *   metadata, store, readManifest, spliceContent, chunker: 'fastcdc', clock, randomBytes, logger,
 *   spool: spoolDirectory('/home/alice/.dittofs/spool/1'), diskSpace,
 * })
 * const { handle } = await volume.create(volume.root, 'notes.txt', { mode: 0o644, rule: 'guarded' })
 * await volume.write(handle, Buffer.from('hello'), { offset: 0, isStable: true })
 * await volume.close()
 * ```
 *
 * @packageDocumentation
 */
export { openVolume } from './open-volume.ts'
export type { SpaceVolume } from './space-volume.ts'
export { type SpoolDirectory, type SpoolFile, spoolDirectory } from './spool-directory.ts'
export type { FetchChunks, VolumeInit } from './volume-init.ts'

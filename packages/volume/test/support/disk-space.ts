import { randomBytes, sign } from 'node:crypto'
import path from 'node:path'
import { packChunkStore, readManifest, spliceContent } from '@dittofs/chunk-store'
import { systemClock } from '@dittofs/interface'
import { yjsMetadataStore } from '@dittofs/metadata'
import { Level } from 'level'
import { openVolume, type SpaceVolume, spoolDirectory } from '../../src/index.ts'
import { isSigned, keysOf, LOGGER, SPACE } from './test-keys.ts'

/** A volume with all it stands on in a directory of a real disk, as a device has it. */
export async function openDiskSpace(
  directory: string,
): Promise<{ readonly volume: SpaceVolume; close(): Promise<void> }> {
  const { key, privateKey } = keysOf('alice')
  const metadata = yjsMetadataStore({
    space: SPACE,
    database: new Level<string, Uint8Array>(path.join(directory, 'metadata'), {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
    }),
    device: key,
    sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
    verify: isSigned,
    randomBytes,
    clock: systemClock,
    deviceLabel: (device) => device.slice(0, 7).toUpperCase(),
    logger: LOGGER,
  })
  const store = packChunkStore({ directory: path.join(directory, 'chunks'), workers: 0, maxPackBytes: 1024 * 1024 })
  await metadata.open()
  await store.open()
  const volume = await openVolume({
    ...{ metadata, store, readManifest, spliceContent, randomBytes },
    chunker: 'fastcdc',
    clock: systemClock,
    logger: LOGGER,
    spool: spoolDirectory(path.join(directory, 'spool')),
    diskSpace: async () => ({ totalBytes: 1e12, freeBytes: 1e11 }),
    quietMs: 50,
  })
  return {
    volume,
    close: async () => {
      await volume.close()
      await metadata.close()
      await store.close()
    },
  }
}

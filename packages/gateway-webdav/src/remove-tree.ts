import type { VolumeEntry, VolumeHandle } from '@dittofs/interface'
import { LISTING_PAGE } from './limits.ts'
import type { ServedVolume } from './served-volume.ts'

/** Removes a node with all below, as one, and then the dead properties of everything that is gone. */
export async function removeTree(
  { volume, properties }: ServedVolume,
  directory: VolumeHandle,
  name: string,
  own: VolumeEntry,
): Promise<void> {
  const bearers = [own.handle]
  const { kind } = own.attributes
  if (kind === 'directory') await collectBearers({ volume, properties }, own.handle, bearers)
  if (kind === 'directory') await volume.removeTree(directory, name)
  else await volume.removeFile(directory, name)
  for (const handle of bearers) await properties.delete(handle)
}

/** Those below a directory that have properties, which are few: of the others nothing is kept. */
async function collectBearers(
  served: Pick<ServedVolume, 'volume' | 'properties'>,
  directory: VolumeHandle,
  bearers: VolumeHandle[],
): Promise<void> {
  for (let after = 0n, isEnd = false; !isEnd; ) {
    const page = await served.volume.readDirectory(directory, { after, limit: LISTING_PAGE })
    const { entries } = page
    const all = await served.properties.getMany(entries.map(({ handle }) => handle))
    for (const [index, { handle, attributes }] of entries.entries()) {
      if (all[index]?.length !== 0) bearers.push(handle)
      if (attributes.kind === 'directory') await collectBearers(served, handle, bearers)
    }
    after = entries.at(-1)?.cookie ?? after
    isEnd = page.isEnd || entries.length === 0
  }
}

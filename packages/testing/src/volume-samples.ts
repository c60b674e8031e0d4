import type { Volume, VolumeAttributes, VolumeHandle } from '@dittofs/interface'
import { seededRandom } from './seeded-random.ts'

export type OpenVolume = () => Promise<Volume>

export function write(volume: Volume, handle: VolumeHandle, offset: number, text: string): Promise<VolumeAttributes> {
  return volume.write(handle, Buffer.from(text), { offset, isStable: false })
}

/** A new file that holds a text. */
export async function fileWith(
  volume: Volume,
  directory: VolumeHandle,
  name: string,
  text: string,
): Promise<VolumeHandle> {
  const { handle } = await volume.create(directory, name, { mode: 0o644, rule: 'guarded' })
  await write(volume, handle, 0, text)
  return handle
}

/** A small file's content. */
export async function textOf(volume: Volume, handle: VolumeHandle): Promise<string> {
  const { bytes } = await volume.read(handle, { offset: 0, length: 65536 })
  return Buffer.from(bytes).toString()
}

/** All names in a directory, sorted. */
export async function namesOf(volume: Volume, directory: VolumeHandle): Promise<string[]> {
  const names: string[] = []
  for (let after = 0n; ; ) {
    const { entries, isEnd } = await volume.readDirectory(directory, { after, limit: 4096 })
    names.push(...entries.map(({ name }) => name))
    if (isEnd) return names.sort()
    after = entries.at(-1)?.cookie ?? after
  }
}

/** Numbers from 0 up to a bound, the same for the same seed. */
export function seededNumbers(seed: number): (below: number) => number {
  const random = seededRandom(seed)
  return (below) => Math.floor(random() * below)
}

/**
 * Writes through a volume on disk in lanes that run side by side, until it is killed. It tells on standard output of each
 * call that was acknowledged: the number of its lane, a byte each, for they come in order.
 *
 * Arguments: the directory, the seed, the number of lanes.
 */
import { writeSync } from 'node:fs'
import type { VolumeHandle } from '@dittofs/interface'
import type { SpaceVolume } from '../../src/index.ts'
import { openDiskSpace } from './disk-space.ts'
import { LaneStory, type Step } from './lane-story.ts'

const [directory = '', seed = '', lanes = ''] = process.argv.slice(2)

async function take(volume: SpaceVolume, parent: VolumeHandle, step: Step): Promise<unknown> {
  const { kind, name } = step
  if (kind === 'create') return volume.create(parent, name, { mode: 0o644, rule: 'guarded' })
  if (kind === 'makeDirectory') return volume.makeDirectory(parent, name, 0o755)
  if (kind === 'removeFile') return volume.removeFile(parent, name)
  if (kind === 'removeDirectory') return volume.removeDirectory(parent, name)
  if (kind === 'rename') return volume.rename(parent, name, parent, step.to)
  const { handle } = await volume.lookup(parent, name)
  if (kind === 'commit') return volume.commit(handle)
  const { offset, isStable } = step
  return volume.write(handle, step.bytes, { offset, isStable })
}

const { volume } = await openDiskSpace(directory)
await Promise.all(
  Array.from({ length: Number(lanes) }, async (_, lane) => {
    const { handle } = await volume.makeDirectory(volume.root, `${seed} ${lane}`, 0o755)
    const story = new LaneStory(`${seed} ${lane}`)
    for (;;) {
      writeSync(1, Uint8Array.of(lane))
      await take(volume, handle, story.next())
    }
  }),
)

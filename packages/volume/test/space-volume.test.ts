import { volumeSuite } from '@dittofs/testing'
import type { SpaceVolume } from '../src/index.ts'
import { TestSpace } from './support/test-space.ts'

const spaces = new Map<SpaceVolume, TestSpace>()

volumeSuite<SpaceVolume>('volume of a space', {
  setup: async ({ isReadOnly }) => {
    const space = await TestSpace.open()
    const volume = await space.volume({ isReadOnly: () => isReadOnly })
    spaces.set(volume, space)
    return volume
  },
  teardown: async (volume) => {
    await volume.abort()
    await spaces.get(volume)?.close()
  },
  restart: async (volume) => {
    const space = spaces.get(volume) as TestSpace
    await volume.abort()
    const again = await space.volume()
    spaces.set(again, space)
    return again
  },
  close: (volume) => volume.close(),
})

import { memoryVolume, volumeSuite } from '../src/index.ts'

volumeSuite('memory volume', {
  setup: async ({ isReadOnly }) => memoryVolume({ isReadOnly }),
  teardown: async (volume) => volume.close(),
  restart: async (volume) => {
    volume.restart()
    return volume
  },
  close: async (volume) => volume.close(),
})

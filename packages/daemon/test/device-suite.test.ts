import { deviceSuite, temporaryDirectory } from '@dittofs/testing'
import { openDevice } from '../src/open-device.ts'

deviceSuite('openDevice', {
  setup: async () => openDevice({ home: await temporaryDirectory() }),
  teardown: (device) => device.close(),
})

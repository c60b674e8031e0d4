import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Device } from '@dittofs/interface'
import { deviceSuite } from '@dittofs/testing'
import { connectDevice } from '../../src/control/connect-device.ts'
import { serveControl } from '../../src/control/serve-control.ts'
import { openDevice } from '../../src/open-device.ts'

const cleanUps = new Map<Device, () => Promise<void>>()

async function newHome(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'dittofs-test-'))
}

async function teardown(device: Device): Promise<void> {
  await device.close()
  await cleanUps.get(device)?.()
  cleanUps.delete(device)
}

deviceSuite('a device behind the control socket', {
  setup: async () => {
    const home = await newHome()
    const served = await openDevice({ home })
    const server = await serveControl({
      device: served,
      run: path.join(served.home, 'run'),
      metrics: () => served.metrics(),
      logger: served.logger,
    })
    const client = await connectDevice({ home })
    cleanUps.set(client, async () => {
      await server.close()
      await served.close()
      await rm(home, { recursive: true, force: true })
    })
    return client
  },
  teardown,
})

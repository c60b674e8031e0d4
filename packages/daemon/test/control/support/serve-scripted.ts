import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Device } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { onTestFinished } from 'vitest'
import { connectDevice } from '../../../src/control/connect-device.ts'
import { type ControlServer, serveControl } from '../../../src/control/serve-control.ts'
import { keepingLogger, scriptedDevice } from './scripted-device.ts'

export interface Served {
  readonly home: string
  readonly run: string
  readonly server: ControlServer
  readonly client: Device
  readonly errors: object[]
}

/** Serves what a test says a device does in a home of its own, and connects to it. */
export async function serveScripted(methods: Partial<Device>): Promise<Served> {
  const home = await temporaryDirectory()
  const run = path.join(home, 'run')
  await mkdir(run, { mode: 0o700 })
  const errors: object[] = []
  const server = await serveControl({
    device: scriptedDevice(methods),
    run,
    metrics: async () => 'dittofs_up 1\n',
    logger: keepingLogger(errors),
  })
  onTestFinished(() => server.close())
  const client = await connectDevice({ home })
  onTestFinished(() => client.close())
  return { home, run, server, client, errors }
}

import { createRequire } from 'node:module'
import { systemClock, type Transport } from '@dittofs/interface'
import { transportSuite } from '@dittofs/testing'
import { bleTransport } from '@dittofs/transport-ble'
import { afterAll, beforeAll, describe } from 'vitest'
import { type Btvirt, bluetoothUnavailable, startBtvirt } from './support/bluetooth/btvirt.ts'
import { skipBecause } from './support/environment.ts'

const NOBODY = 'ble://00aa01990042'

describe.skipIf(skipBecause(bluetoothUnavailable()))('with noble, bleno and emulated controllers', () => {
  let btvirt: Btvirt
  // One of each for all tests: a process has one adapter, and connections outlive the test that opened them a little.
  let transport: Transport

  beforeAll(async () => {
    btvirt = await startBtvirt()
    process.env.BTVIRT_SOCKET = btvirt.environment.BTVIRT_SOCKET
    createRequire(import.meta.url)('./support/bluetooth/preload.cjs')
    transport = bleTransport({ clock: systemClock, dialTimeoutMs: 2_000 })
  })

  afterAll(() => btvirt.stop())

  transportSuite('Bluetooth LE', {
    setup: async () => ({
      dialer: transport,
      listener: transport,
      hasPorts: false,
      nobody: async () => NOBODY,
      silence: async () => NOBODY,
    }),
  })
})

import { onTestFinished } from 'vitest'
import { RawDevice, type RawKey, rawKey } from './raw-device.ts'
import { type TestServer, type TestServerInit, testServer } from './test-server.ts'

/** A server for the running test alone. */
export async function start(init: TestServerInit = {}): Promise<TestServer> {
  const server = await testServer(init)
  onTestFinished(() => server.close())
  return server
}

/** A connection of the running test that has not said who it is. */
export function stranger(server: TestServer): RawDevice {
  const device = new RawDevice(server.origin)
  onTestFinished(() => device.abort())
  return device
}

/** A device of the running test that the server knows by its key. */
export async function registered(server: TestServer, key = rawKey()): Promise<{ device: RawDevice; key: RawKey }> {
  const device = await RawDevice.registered(server.origin, key)
  onTestFinished(() => device.abort())
  return { device, key }
}

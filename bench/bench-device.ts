import path from 'node:path'
import type { TestHost } from '../test/support/network.ts'
import { ProcessDevice } from '../test/support/process-device.ts'

/** A device with a home of its own that is reached on loopback alone, or in a host's network, and looks for nobody. */
export function benchDevice(directory: string, name: string, host?: TestHost): ProcessDevice {
  return new ProcessDevice({
    home: path.join(directory, `home-${name}`),
    name,
    daemonArgs: ['--host', host?.address ?? '127.0.0.1', '--no-mdns', '--no-beacon'],
    ...(host !== undefined && { host }),
  })
}

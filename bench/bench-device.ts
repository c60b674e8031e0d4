import path from 'node:path'
import { ProcessDevice } from '../test/support/process-device.ts'

/** A device with a home of its own that is reached on loopback alone and looks for nobody. */
export function benchDevice(directory: string, name: string): ProcessDevice {
  return new ProcessDevice({
    home: path.join(directory, `home-${name}`),
    name,
    daemonArgs: ['--host', '127.0.0.1', '--no-mdns', '--no-beacon'],
  })
}

import path from 'node:path'
import { onTestFinished } from 'vitest'
import { TestNetwork } from './network.ts'
import { ProcessDevice } from './process-device.ts'

/** Ends the devices' daemons when the running test has finished, and shows their logs if it failed. */
export function endAfterTest(devices: readonly ProcessDevice[]): void {
  onTestFinished(async ({ task }) => {
    for (const device of devices) {
      await device.kill()
      if (task.result?.state === 'fail') process.stderr.write(`--- log of ${device.name}\n${device.log.slice(-8000)}\n`)
    }
  })
}

/** Devices on one switch, each a host of its own, without a route to anywhere else. Gone when the test has finished. */
export async function onLan<const Names extends readonly string[]>(
  directory: string,
  names: Names,
  options: { daemonArgs?: readonly string[]; family?: 'IPv4' | 'IPv6' } = {},
): Promise<{ network: TestNetwork; devices: { [Index in keyof Names]: ProcessDevice } }> {
  const network = await TestNetwork.create(names.length, options.family)
  onTestFinished(() => network.close())
  const devices = names.map(
    (name, index) =>
      new ProcessDevice({
        home: path.join(directory, `home of ${name}`),
        name,
        host: network.hosts[index]!,
        daemonArgs: options.daemonArgs ?? [],
      }),
  )
  endAfterTest(devices)
  return { network, devices: devices as { [Index in keyof Names]: ProcessDevice } }
}

/** Devices on the loopback interface alone, so that tests need no rights; they are told where the others are. */
export function onLoopback<const Names extends readonly string[]>(
  directory: string,
  names: Names,
): { [Index in keyof Names]: ProcessDevice } {
  const devices = names.map(
    (name) =>
      new ProcessDevice({
        home: path.join(directory, `home of ${name}`),
        name,
        daemonArgs: ['--host', '127.0.0.1', '--no-mdns', '--no-beacon'],
      }),
  )
  endAfterTest(devices)
  return devices as { [Index in keyof Names]: ProcessDevice }
}

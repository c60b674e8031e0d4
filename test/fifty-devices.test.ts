import { MemoryNetwork, turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { TestDevice, TestSpace } from '../packages/daemon/test/connector/support/test-device.ts'

const COUNT = 50
const PAIRS = (COUNT * (COUNT - 1)) / 2

describe('fifty devices in one process', () => {
  it('do not storm each other: not when switched on together, and not when they wake together', async () => {
    const network = new MemoryNetwork()
    const init = { network, space: new TestSpace(), clock: turnClock(2) }
    const devices = await Promise.all(
      Array.from({ length: COUNT }, (_, i) => TestDevice.create({ ...init, host: `device${i}` })),
    )
    await Promise.all(devices.map((device) => device.start()))
    const others = (device: TestDevice) => devices.filter((other) => other !== device)
    await Promise.all(devices.map((device) => device.isLinkedTo(...others(device))))
    await Promise.all(devices.map((device) => device.until(() => device.links.length === COUNT - 1)))
    // Each pair once; from the other side too where a handshake took longer than its patience of two seconds.
    expect(network.dials).toBeGreaterThanOrEqual(PAIRS)
    // One process does all the handshakes here, so that is common; and a few are dropped and tried again.
    expect(network.dials).toBeLessThan(2.2 * PAIRS)

    const before = network.dials
    for (const device of devices) device.connector.refresh()
    await init.clock.sleep(3000)
    process.stdout.write(`${before} dials for ${PAIRS} pairs, ${network.dials - before} after all woke\n`)
    // Whoever is connected is not dialled for it, but for a few of whom it is not known where they were heard.
    expect(network.dials - before).toBeLessThan(COUNT)
  })
})

import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { expect, it, onTestFinished } from 'vitest'
import { probeBroadcast } from '../src/discovery/probe-broadcast.ts'

const loopback = Object.fromEntries(Object.entries(networkInterfaces()).filter(([, infos]) => infos?.[0]?.internal))

it('says that a port of beacons is held by a program that does not share it', async () => {
  const other = createSocket('udp4')
  await new Promise<void>((resolve) => other.bind(0, resolve))
  onTestFinished(() => void other.close())
  const [result] = await probeBroadcast(loopback, { port: other.address().port, timeoutMs: 50 })
  expect(result?.problem).toBe('another program holds the port and does not share it')
})

import { describe, expect, it, onTestFinished } from 'vitest'
import { mustRunAll } from './support/environment.ts'
import { ProcessSignaling } from './support/process-signaling.ts'
import { type DeviceMemory, WebRtcDevice, type WebRtcDeviceInit } from './support/webrtc-device.ts'

const MIB = 1024 ** 2
/** 1 GiB takes four minutes where the processor is slow; docs/decisions/0006-webrtc.md has its figures. */
const SIZE = Number(process.env.DITTOFS_WEBRTC_MIB ?? (mustRunAll ? 256 : 96)) * MIB
/** Windows, queues and what the collector has not taken yet; far less than what is sent. */
const MAX_GROWTH_BYTES = 48 * MIB

describe('two devices with a WebRTC connection between them', () => {
  it('need no more memory however much goes over it', async () => {
    const signaling = await ProcessSignaling.start('--host', '127.0.0.1', '--port', '0')
    onTestFinished(async () => void (await signaling.stop()))
    const device = (init: Partial<WebRtcDeviceInit>) => {
      const { origin: server } = signaling
      const started = new WebRtcDevice(undefined, { server, iceServers: [], hostAddresses: ['127.0.0.1'], ...init })
      onTestFinished(async () => void (await started.stop()))
      return started
    }
    const bob = device({})
    const alice = device({ dial: await bob.address(), bytes: SIZE })
    const [sent, received] = await Promise.all([alice.line('sent'), bob.line('received')])
    expect(received).toMatchObject({ bytes: SIZE, sha256: sent.sha256 })
    const growth = ({ settledBytes, peakBytes }: DeviceMemory) => peakBytes - (settledBytes as number)
    const inMib = ({ memory }: { memory: DeviceMemory }) =>
      `${Math.round((memory.settledBytes as number) / MIB)} to ${Math.round(memory.peakBytes / MIB)} MiB`
    process.stdout.write(`${SIZE / MIB} MiB: sender ${inMib(sent)}, receiver ${inMib(received)}\n`)
    expect(growth(sent.memory)).toBeLessThan(MAX_GROWTH_BYTES)
    expect(growth(received.memory)).toBeLessThan(MAX_GROWTH_BYTES)
  })
})

import type { Address, DeviceKey, IncomingDuplex, Listener } from '@dittofs/interface'
import { deviceKey } from '@dittofs/interface'
import { type MemorySignaling, memorySignaling } from '@dittofs/testing'
import type { StripedDuplex } from '../src/striped-duplex.ts'
import { type WebRtcTransport, type WebRtcTransportInit, webrtcTransport } from '../src/webrtc-transport.ts'

/** A device key that is only a name. */
export function keyNumber(number: number): DeviceKey {
  return deviceKey.parse(number.toString(16).padStart(64, '0'))
}

/** Two transports that reach each other through a signaling server in this process, over the loopback interface. */
export class SignaledPair {
  readonly signaling: MemorySignaling
  readonly alice: WebRtcTransport
  readonly bob: WebRtcTransport

  constructor(init: Partial<WebRtcTransportInit> = {}) {
    this.signaling = memorySignaling()
    this.alice = this.transport(keyNumber(1), init)
    this.bob = this.transport(keyNumber(2), init)
  }

  transport(key: DeviceKey, init: Partial<WebRtcTransportInit> = {}): WebRtcTransport {
    return webrtcTransport({ channel: this.signaling.channel(key), hostAddresses: ['127.0.0.1'], ...init })
  }

  /** An address of the server at which nobody is registered. */
  nobody(): Address {
    return `webrtc://${keyNumber(999)}@memory.invalid`
  }

  /** Alice dials, Bob answers. */
  async connect(): Promise<{ listener: Listener; initiator: StripedDuplex; responder: StripedDuplex }> {
    let accepted!: (incoming: IncomingDuplex) => void
    const incoming = new Promise<IncomingDuplex>((resolve) => {
      accepted = resolve
    })
    const listener = await this.bob.listen({ port: 0, onConnection: accepted })
    const initiator = (await this.alice.dial(listener.addresses()[0]!)) as StripedDuplex
    return { listener, initiator, responder: (await incoming).duplex as StripedDuplex }
  }

  async close(): Promise<void> {
    await Promise.all([this.alice.close(), this.bob.close()])
  }
}

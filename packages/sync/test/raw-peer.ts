import { type DeviceKey, DittoError, isDittoError, type SpaceId, spaceId } from '@dittofs/interface'
import { type MemoryLink, memoryLinkPair } from '@dittofs/testing'
import { decodeMessage, encodeMessage, encodeMetadata, type Message } from '@dittofs/wire'
import type { Session } from '../src/index.ts'
import { Wakeup } from '../src/wakeup.ts'
import type { TestDevice } from './test-device.ts'

type Encodable = Parameters<typeof encodeMessage>[0]

/** A peer that a test speaks for, message by message. */
export class RawPeer {
  readonly link: MemoryLink
  readonly session: Session
  readonly received: Message[] = []
  readonly #arrived = new Wakeup()
  #isOver = false
  #isReading = true

  constructor(device: TestDevice, key: DeviceKey) {
    const [own, theirs] = memoryLinkPair({ keys: [key, device.key] })
    this.link = own
    this.session = device.engine.attach(theirs)
    void this.#read()
  }

  /** A peer that has said hello and named spaces, under the numbers 100 and up. */
  static async greet(
    device: TestDevice,
    key: DeviceKey,
    spaces: readonly SpaceId[],
    abilities: readonly number[] = [],
  ): Promise<RawPeer> {
    const peer = new RawPeer(device, key)
    peer.send({ type: 'hello', versions: [1], instance: new Uint8Array(16), abilities })
    peer.send({ type: 'spaces', spaces: spaces.map((id, i) => ({ number: 100 + i, id: spaceId.toBytes(id) })) })
    // The round trip is measured once; a test that waits for a ping means a later one.
    const { nonce } = await peer.next('ping')
    peer.send({ type: 'pong', nonce })
    await peer.next('spaces')
    return peer
  }

  /** From now on what arrives stays in the link, until that is full. */
  stopReading(): void {
    this.#isReading = false
  }

  send(message: Encodable): void {
    this.link.send(encodeMessage(message))
  }

  sendMetadata(space: number, bytes: Uint8Array, isHello = false): void {
    for (const parts of encodeMetadata(space, bytes, isHello)) this.link.send(...parts)
  }

  /** The next message of a type that was not taken yet. */
  async next<Type extends Message['type']>(type: Type): Promise<Extract<Message, { type: Type }>> {
    for (;;) {
      const at = this.received.findIndex((message) => message.type === type)
      if (at >= 0) return this.received.splice(at, 1)[0] as Extract<Message, { type: Type }>
      if (this.#isOver) throw new DittoError('DITTO_LINK_CUT', `the link ended before a ${type} came`)
      await this.#arrived.wait({ signal: AbortSignal.timeout(50_000) })
    }
  }

  /** The code the device ended the session with; `undefined` for none. */
  async endCode(): Promise<string | undefined> {
    const reason = await this.session.ended
    return isDittoError(reason) ? reason.code : undefined
  }

  async #read(): Promise<void> {
    try {
      for await (const payload of this.link.frames()) {
        this.received.push(decodeMessage(payload))
        this.#arrived.wake()
        if (!this.#isReading) await new Promise(() => undefined)
      }
    } catch {
      // The device ended the link.
    }
    this.#isOver = true
    this.#arrived.wake()
  }
}

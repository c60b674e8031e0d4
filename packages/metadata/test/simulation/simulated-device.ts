import { MemoryLevel } from 'memory-level'
import { decodeMessage, encodeVector } from '../../src/exchange.ts'
import type { StateVector } from '../../src/space-document.ts'
import { YjsMetadataStore } from '../../src/yjs-metadata-store.ts'
import { storeInit, testDevice } from '../memory-space.ts'
import { type ObservedState, observe, runsIn } from './observed-state.ts'

/** What stood on disk at some moment. */
export type Disk = readonly (readonly [string, Uint8Array])[]

const ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

/** A device of a simulation: a real store over a disk that crashes and is put back to older states. */
export class SimulatedDevice {
  readonly name: string
  readonly onMessages: (messages: readonly Uint8Array[]) => void
  store!: YjsMetadataStore
  #database!: MemoryLevel<string, Uint8Array>
  #lives = 0

  constructor(name: string, onMessages: (messages: readonly Uint8Array[]) => void) {
    this.name = name
    this.onMessages = onMessages
  }

  get key() {
    return testDevice(this.name).key
  }

  /** Starts on a disk as it stood, or on a new one. */
  async start(disk: Disk, seed: number): Promise<void> {
    this.#lives += 1
    this.#database = new MemoryLevel<string, Uint8Array>(ENCODING)
    await this.#database.open()
    await this.#database.batch(disk.map(([key, value]) => ({ type: 'put', key, value })))
    const init = storeInit(this.name, this.#database, seed * 1000 + this.#lives)
    this.store = new YjsMetadataStore({ ...init, minImageEntries: 1 })
    await this.store.open()
    this.store.onChange(({ messages, isLocal }) => {
      if (isLocal) this.onMessages(messages)
    })
  }

  async disk(): Promise<Disk> {
    return await this.#database.iterator<string, Uint8Array>(ENCODING).all()
  }

  async diskAfterClose(): Promise<Disk> {
    await this.#database.open()
    return this.disk()
  }

  /** Nothing is written from now on; whatever the store is asked to do fails and is lost. */
  async pullDisk(): Promise<void> {
    await this.#database.close()
  }

  vector(): StateVector {
    const message = decodeMessage(this.store.hello())
    return message.type === 'vector' ? message.vector : new Map()
  }

  async observe(): Promise<ObservedState> {
    const messages = await this.store.receive(encodeVector(new Map()), this.key, true)
    return observe(runsIn(messages), (key) => key.slice(0, 7).toUpperCase())
  }
}

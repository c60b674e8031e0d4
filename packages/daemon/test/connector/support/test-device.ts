import { randomBytes } from 'node:crypto'
import type { Address, Clock, DeviceKey, Link } from '@dittofs/interface'
import { createIdentity, type Identity, knockKey } from '@dittofs/link'
import { type MemoryNetwork, memoryTransport } from '@dittofs/testing'
import { onTestFinished } from 'vitest'
import type { AddressBook } from '../../../src/connector/address-book.ts'
import { Connector, type ConnectorInit } from '../../../src/connector/connector.ts'
import type { ConnectorSecrets } from '../../../src/connector/connector-secrets.ts'

export const MEET = Buffer.alloc(32, 'meet')

/** Members of one space, by a secret that all of them have. */
export class TestSpace {
  readonly members = new Set<DeviceKey>()
  readonly #meet: Uint8Array
  readonly #name: string

  constructor(name = 'home', meet: Uint8Array = MEET) {
    this.#name = name
    this.#meet = meet
  }

  secrets(): ConnectorSecrets {
    const match = { kind: 'space', name: this.#name } as const
    const knock = { match, secret: knockKey(this.#meet, 'knock') }
    const find = { match, key: knockKey(this.#meet, 'find') }
    return {
      knockKeys: () => [knock],
      findKeys: () => [find],
      peers: () => [...this.members].map((key) => ({ key, spaces: [this.#name] })),
      accept: (_match, peer) => this.members.has(peer),
    }
  }
}

export class MemoryAddressBook implements AddressBook {
  readonly entries = new Map<DeviceKey, readonly Address[]>()

  async load(): Promise<ReadonlyMap<DeviceKey, readonly Address[]>> {
    return new Map(this.entries)
  }

  async save(device: DeviceKey, addresses: readonly Address[]): Promise<void> {
    this.entries.set(device, addresses)
  }
}

export interface TestDeviceInit extends Partial<Omit<ConnectorInit, 'addressBook'>> {
  network: MemoryNetwork
  host: string
  space: TestSpace
  clock: Clock
  /** Whether it announces itself and hears others. Default true. */
  canDiscover?: boolean
}

/** A device that does nothing but keep links, and remembers those it was handed. */
export class TestDevice {
  readonly identity: Identity
  readonly links: Link[] = []
  readonly addressBook = new MemoryAddressBook()
  connector!: Connector
  /** Called for each link handed over. */
  onLink: () => void = () => undefined
  readonly #init: TestDeviceInit
  readonly #waiting = new Set<() => void>()

  private constructor(init: TestDeviceInit, identity: Identity) {
    this.#init = init
    this.identity = identity
  }

  static async create(init: TestDeviceInit): Promise<TestDevice> {
    const device = new TestDevice(init, init.identity ?? (await createIdentity()))
    init.space.members.add(device.key)
    onTestFinished(() => device.stop())
    return device
  }

  get key(): DeviceKey {
    return this.identity.key
  }

  async start(overrides: Partial<TestDeviceInit> = {}): Promise<void> {
    const { network, host, space, canDiscover = true, ...rest } = { ...this.#init, ...overrides }
    this.links.length = 0
    this.connector = new Connector({
      identity: this.identity,
      transports: [memoryTransport(network, { host, capabilities: { canDiscover } })],
      secrets: space.secrets(),
      addressBook: this.addressBook,
      listen: { port: 0 },
      randomBytes,
      ...rest,
      onLink: (link) => {
        this.links.push(link)
        this.onLink()
        void link.closed.then(() => {
          this.links.splice(this.links.indexOf(link), 1)
          this.#notify()
        })
        this.#notify()
      },
    })
    await this.connector.start()
  }

  async stop(): Promise<void> {
    await this.connector?.close()
  }

  /** Resolves once `holds` does; it is asked whenever a link comes or goes. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
      })
    }
  }

  async isLinkedTo(...others: readonly TestDevice[]): Promise<void> {
    await this.until(() => others.every((other) => this.links.some((link) => link.peer === other.key)))
  }

  #notify(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

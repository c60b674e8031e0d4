import { type Address, type Clock, type DeviceKey, DittoError, deviceKey, type SpaceId } from '@dittofs/interface'
import {
  type AddressRecord,
  type Identity,
  MAX_RECORDED_ADDRESSES,
  readAddressRecord,
  signAddressRecord,
} from '@dittofs/link'
import type { AddressExchange, PassedRecord } from '@dittofs/sync'
import type { Level } from 'level'
import { transportOf } from '../connector/dial-table.ts'

/** Transports whose addresses lead to a device wherever it is; others say where it was on some network. */
const RECORDED_TRANSPORTS: ReadonlySet<string> = new Set(['webrtc'])
/** A device says at most so often where it is, and is listened to at most twice as often. */
const MIN_RENEWAL_MS = 10_000
const MIN_NEWS_MS = MIN_RENEWAL_MS / 2

export interface AddressRecordsInit {
  identity: Pick<Identity, 'key' | 'sign'>
  database: Level
  clock: Clock
  /** Whether a device is a member of a space. */
  isMember: (space: SpaceId, device: DeviceKey) => boolean
  /** Whether a device is a member of any space. */
  isKnown: (device: DeviceKey) => boolean
  /** A record is newer than what was known. */
  onNews: (device: DeviceKey) => void
  onFailure: (error: unknown) => void
}

/**
 * Where devices say that they can be reached: the newest signed record of each member of a space, this device's own among
 * them, passed on to every other member. So two devices find each other that have only a third in common.
 */
export class AddressRecords implements AddressExchange {
  readonly #init: AddressRecordsInit
  readonly #rows: ReturnType<typeof rowsOf>
  readonly #records = new Map<DeviceKey, AddressRecord>()
  readonly #newsAt = new Map<DeviceKey, number>()
  #saving: Promise<void> = Promise.resolve()

  constructor(init: AddressRecordsInit) {
    this.#init = init
    this.#rows = rowsOf(init.database)
  }

  /** Reads what was kept; forgets devices that are members of nothing any more. */
  async load(): Promise<void> {
    const { identity, isKnown } = this.#init
    for await (const [key, text] of this.#rows.iterator()) {
      const device = deviceKey.parse(key)
      const record = device === identity.key || isKnown(device) ? readStored(text) : undefined
      if (record === undefined) await this.#rows.del(key)
      else this.#records.set(device, record)
    }
  }

  /** Where a device says that it can be reached. */
  addressesOf(device: DeviceKey): readonly Address[] {
    return this.#init.isKnown(device) ? (this.#records.get(device)?.addresses ?? []) : []
  }

  /**
   * Where this device can be reached now. What would be an empty record is not signed: a server that is away now is the
   * best guess for later.
   */
  setOwn(all: readonly Address[]): void {
    const { identity, clock } = this.#init
    const addresses = all
      .filter((address) => RECORDED_TRANSPORTS.has(transportOf(address)))
      .sort()
      .slice(0, MAX_RECORDED_ADDRESSES)
    const known = this.#records.get(identity.key)
    if (addresses.length === 0 || known?.addresses.join(' ') === addresses.join(' ')) return
    if (!this.#isTime(identity.key, MIN_RENEWAL_MS)) return
    // Of a home that was put back from a copy, too, the next record is the newest.
    const time = Math.floor(clock.now())
    const sequence = Math.max(time, (known?.sequence ?? 0) + 1)
    this.#put(signAddressRecord(identity, { sequence, time, addresses }))
  }

  *records(spaces: readonly SpaceId[]): Generator<PassedRecord> {
    for (const record of this.#records.values()) if (this.#isIn(spaces, record.device)) yield record
  }

  receive(records: readonly Uint8Array[], spaces: readonly SpaceId[]): void {
    for (const bytes of records) {
      const { isSigned, ...record } = readAddressRecord(bytes)
      const { device, sequence } = record
      const isOwn = device === this.#init.identity.key
      if (isOwn || !this.#isIn(spaces, device) || sequence <= (this.#records.get(device)?.sequence ?? -1)) continue
      if (!this.#isTime(device, MIN_NEWS_MS)) continue
      if (!isSigned()) throw new DittoError('DITTO_PROTOCOL', 'The peer sent a record of addresses that is forged.')
      // A copy: the bytes belong to a frame, which may be much larger.
      this.#put({ ...record, bytes: Uint8Array.from(bytes) })
    }
  }

  /** Resolves when what is known is kept. */
  async close(): Promise<void> {
    await this.#saving
  }

  #isIn(spaces: readonly SpaceId[], device: DeviceKey): boolean {
    return spaces.some((space) => this.#init.isMember(space, device))
  }

  #isTime(device: DeviceKey, pauseMs: number): boolean {
    const last = this.#newsAt.get(device)
    return last === undefined || this.#init.clock.monotonic() - last >= pauseMs
  }

  #put(record: AddressRecord): void {
    const { device, bytes } = record
    this.#records.set(device, record)
    this.#newsAt.set(device, this.#init.clock.monotonic())
    this.#saving = this.#saving
      .then(() => this.#rows.put(device, Buffer.from(bytes).toString('base64')))
      .catch((error: unknown) => this.#init.onFailure(error))
    this.#init.onNews(device)
  }
}

/** What cannot be read is as good as not there: it comes again with the next session. */
function readStored(text: string): AddressRecord | undefined {
  try {
    return readAddressRecord(Buffer.from(text, 'base64'))
  } catch {
    return undefined
  }
}

function rowsOf(database: Level) {
  return database.sublevel<string, string>('address-records', {})
}

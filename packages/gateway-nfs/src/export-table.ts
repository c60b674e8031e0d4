import { createHash } from 'node:crypto'
import { DittoError, type Volume, type VolumeExport } from '@dittofs/interface'
import { AddressList } from './address-list.ts'

const MAX_EXPORT_NAME_BYTES = 128
/** Of the hash of an export's name, in every handle of it. */
export const EXPORT_ID_BYTES = 8

/** An export as the procedures use it. */
export interface NfsExport {
  readonly name: string
  readonly volume: Volume
  readonly isReadOnly: boolean
  /** The hash of its name, so that handles hold over restarts and other exports: EXPORT_ID_BYTES bytes. */
  readonly id: Buffer
  /** The same as a number, which clients tell file systems apart by. */
  readonly fileSystemId: bigint
  /** As given; none for everybody. */
  readonly allowedAddresses: readonly string[]
  readonly allows: (address: string) => boolean
}

/** What is served, by name and by what stands in handles. */
export class ExportTable {
  readonly #byName = new Map<string, NfsExport>()
  readonly #byId = new Map<string, NfsExport>()

  /** @throws DittoError DITTO_USAGE: a name or an address cannot be used, or two exports have the same name */
  constructor(exports: readonly VolumeExport[]) {
    for (const given of exports) {
      const entry = nfsExport(given)
      if (this.#byName.has(entry.name)) {
        throw new DittoError('DITTO_USAGE', `Two exports are called ${JSON.stringify(entry.name)}.`)
      }
      this.#byName.set(entry.name, entry)
      this.#byId.set(entry.id.toString('latin1'), entry)
    }
  }

  byName(name: string): NfsExport | undefined {
    return this.#byName.get(name)
  }

  byId(id: Buffer): NfsExport | undefined {
    return this.#byId.get(id.toString('latin1'))
  }

  all(): Iterable<NfsExport> {
    return this.#byName.values()
  }
}

function nfsExport({ name, volume, isReadOnly, allowedAddresses }: VolumeExport): NfsExport {
  const length = Buffer.byteLength(name)
  if (length === 0 || length > MAX_EXPORT_NAME_BYTES || /[/\0]/.test(name) || name === '.' || name === '..') {
    throw new DittoError(
      'DITTO_USAGE',
      `${JSON.stringify(name)} cannot name an export: 1 to ${MAX_EXPORT_NAME_BYTES} bytes without "/" are needed.`,
    )
  }
  const addresses = allowedAddresses === undefined ? undefined : new AddressList(allowedAddresses)
  const id = createHash('sha256').update(name).digest().subarray(0, EXPORT_ID_BYTES)
  return {
    name,
    volume,
    isReadOnly: isReadOnly || volume.isReadOnly,
    id,
    fileSystemId: id.readBigUInt64BE(0),
    allowedAddresses: addresses?.ranges ?? [],
    allows: (address) => addresses === undefined || addresses.has(address),
  }
}

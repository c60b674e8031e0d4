declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** BLAKE3-256 of a chunk's plain bytes: 64 lowercase hex digits. On disk and wire it is the 32 raw bytes. */
export type ChunkId = Branded<string, 'ChunkId'>

/** An Ed25519 public key: 64 lowercase hex digits. What tickets, statements and logs carry; 32 raw bytes on the wire. */
export type DeviceKey = Branded<string, 'DeviceKey'>

/**
 * What people see of a device: base32 of SHA-256("dittofs device v1" || key), 52 characters and 4 check characters,
 * in groups of 7 joined by `-`. Always computed from the key, never read from a peer.
 */
export type DeviceId = Branded<string, 'DeviceId'>

/** SHA-256 of a space's genesis statement: 64 lowercase hex digits. */
export type SpaceId = Branded<string, 'SpaceId'>

/** A file, directory or symlink of a space. Never changes, unlike its name and parent. Opaque outside `metadata`. */
export type NodeId = Branded<string, 'NodeId'>

/** One state of a node's content, as `writer:t`. Opaque outside `metadata`. */
export type VersionId = Branded<string, 'VersionId'>

const HEX_32_BYTES = /^[0-9a-f]{64}$/

function hexId<Id extends string>(what: string) {
  return {
    /** @throws TypeError unless `text` is 64 lowercase hex digits */
    parse(text: string): Id {
      if (!HEX_32_BYTES.test(text)) throw new TypeError(`not a ${what}: expected 64 hex digits`)
      return text as Id
    },
    is(value: unknown): value is Id {
      return typeof value === 'string' && HEX_32_BYTES.test(value)
    },
    /** @throws RangeError unless `bytes` is 32 bytes long */
    fromBytes(bytes: Uint8Array): Id {
      if (bytes.length !== 32) throw new RangeError(`a ${what} is 32 bytes long, not ${bytes.length}`)
      return Buffer.from(bytes.buffer, bytes.byteOffset, 32).toString('hex') as Id
    },
    /** @returns 32 bytes, owned by the caller */
    toBytes(id: Id): Uint8Array {
      return Buffer.from(id, 'hex')
    },
  }
}

export const chunkId = hexId<ChunkId>('chunk ID')
export const deviceKey = hexId<DeviceKey>('device key')
export const spaceId = hexId<SpaceId>('space ID')

import type { XdrReader } from '../src/xdr/xdr-reader.ts'
import type { XdrWriter } from '../src/xdr/xdr-writer.ts'
import { type CallOptions, RpcClient, type WriteArguments } from './rpc-client.ts'

export const PROCEDURES = {
  GETATTR: 1,
  SETATTR: 2,
  LOOKUP: 3,
  ACCESS: 4,
  READLINK: 5,
  READ: 6,
  WRITE: 7,
  CREATE: 8,
  MKDIR: 9,
  SYMLINK: 10,
  MKNOD: 11,
  REMOVE: 12,
  RMDIR: 13,
  RENAME: 14,
  LINK: 15,
  READDIR: 16,
  READDIRPLUS: 17,
  FSSTAT: 18,
  FSINFO: 19,
  PATHCONF: 20,
  COMMIT: 21,
} as const

/** fattr3, read by hand. */
export interface Attributes {
  type: number
  mode: number
  links: number
  uid: number
  gid: number
  size: bigint
  used: bigint
  fileSystemId: bigint
  fileId: bigint
  atimeNs: bigint
  mtimeNs: bigint
  ctimeNs: bigint
}

/** wcc_data. */
export interface Consistency {
  before: { size: bigint; mtimeNs: bigint; ctimeNs: bigint } | undefined
  after: Attributes | undefined
}

export interface SettableAttributes {
  mode?: number
  uid?: number
  size?: bigint
  mtime?: 'now' | { seconds: number; nanoseconds: number }
}

export interface Listed {
  fileId: bigint
  name: string
  cookie: bigint
  attributes?: Attributes | undefined
  handle?: Buffer | undefined
}

/** NFSv3 as a client writes it, for tests. Every method gives the status and what comes behind it. */
export class NfsClient {
  readonly rpc: RpcClient

  private constructor(rpc: RpcClient) {
    this.rpc = rpc
  }

  static async connect(port: number): Promise<NfsClient> {
    return new NfsClient(await RpcClient.connect(port))
  }

  call(name: keyof typeof PROCEDURES, write: WriteArguments, options?: CallOptions): Promise<XdrReader> {
    return this.rpc.call({ program: 100_003, version: 3, procedure: PROCEDURES[name] }, write, options)
  }

  mountCall(procedure: number, write?: WriteArguments): Promise<XdrReader> {
    return this.rpc.call({ program: 100_005, version: 3, procedure }, write)
  }

  async mount(path: string): Promise<{ status: number; handle: Buffer }> {
    const reply = await this.mountCall(1, (args) => args.string(path))
    const status = reply.uint32()
    return { status, handle: status === 0 ? reply.opaque(64) : Buffer.alloc(0) }
  }

  async getAttributes(handle: Buffer): Promise<{ status: number; attributes: Attributes | undefined }> {
    const reply = await this.call('GETATTR', (args) => args.opaque(handle))
    const status = reply.uint32()
    return { status, attributes: status === 0 ? readAttributes(reply) : undefined }
  }

  async setAttributes(handle: Buffer, wanted: SettableAttributes, guardNs?: bigint) {
    const reply = await this.call('SETATTR', (args) => {
      args.opaque(handle)
      writeSettable(args, wanted)
      args.boolean(guardNs !== undefined)
      if (guardNs !== undefined) {
        args.uint32(Number(guardNs / 1_000_000_000n))
        args.uint32(Number(guardNs % 1_000_000_000n))
      }
    })
    return { status: reply.uint32(), consistency: readConsistency(reply) }
  }

  async lookup(directory: Buffer, name: string | Buffer) {
    const reply = await this.call('LOOKUP', (args) => writePlace(args, directory, name))
    const status = reply.uint32()
    if (status !== 0) return { status, handle: Buffer.alloc(0), directory: readPost(reply), attributes: undefined }
    const handle = reply.opaque(64)
    const attributes = readPost(reply)
    return { status, handle, attributes, directory: readPost(reply) }
  }

  async access(handle: Buffer, wanted: number) {
    const reply = await this.call('ACCESS', (args) => {
      args.opaque(handle)
      args.uint32(wanted)
    })
    const status = reply.uint32()
    const attributes = readPost(reply)
    return { status, attributes, access: status === 0 ? reply.uint32() : 0 }
  }

  async readLink(handle: Buffer) {
    const reply = await this.call('READLINK', (args) => args.opaque(handle))
    const status = reply.uint32()
    const attributes = readPost(reply)
    return { status, attributes, target: status === 0 ? reply.string(4096) : '' }
  }

  async read(handle: Buffer, offset: bigint, count: number) {
    const reply = await this.call('READ', (args) => {
      args.opaque(handle)
      args.uint64(offset)
      args.uint32(count)
    })
    const status = reply.uint32()
    const attributes = readPost(reply)
    if (status !== 0) return { status, attributes, count: 0, isEnd: false, bytes: Buffer.alloc(0) }
    return { status, attributes, count: reply.uint32(), isEnd: reply.boolean(), bytes: reply.opaque(2 ** 21) }
  }

  async write(handle: Buffer, offset: bigint, bytes: Buffer, stable = 0, count = bytes.length) {
    const reply = await this.call('WRITE', (args) => {
      args.opaque(handle)
      args.uint64(offset)
      args.uint32(count)
      args.uint32(stable)
      args.opaque(bytes)
    })
    const status = reply.uint32()
    const consistency = readConsistency(reply)
    if (status !== 0) return { status, consistency, count: 0, committed: -1, verifier: '' }
    const written = reply.uint32()
    return {
      status,
      consistency,
      count: written,
      committed: reply.uint32(),
      verifier: reply.fixedOpaque(8).toString('hex'),
    }
  }

  async commit(handle: Buffer) {
    const reply = await this.call('COMMIT', (args) => {
      args.opaque(handle)
      args.uint64(0n)
      args.uint32(0)
    })
    const status = reply.uint32()
    const consistency = readConsistency(reply)
    return { status, consistency, verifier: status === 0 ? reply.fixedOpaque(8).toString('hex') : '' }
  }

  create(
    directory: Buffer,
    name: string | Buffer,
    how: number,
    wanted: SettableAttributes | Buffer,
    options?: CallOptions,
  ) {
    return this.#make(
      'CREATE',
      (args) => {
        writePlace(args, directory, name)
        args.uint32(how)
        if (Buffer.isBuffer(wanted)) args.fixedOpaque(wanted)
        else writeSettable(args, wanted)
      },
      options,
    )
  }

  makeDirectory(directory: Buffer, name: string, wanted: SettableAttributes = {}) {
    return this.#make('MKDIR', (args) => {
      writePlace(args, directory, name)
      writeSettable(args, wanted)
    })
  }

  makeSymlink(directory: Buffer, name: string, target: string | Buffer) {
    return this.#make('SYMLINK', (args) => {
      writePlace(args, directory, name)
      writeSettable(args, {})
      args.opaque(Buffer.from(target))
    })
  }

  makeNode(directory: Buffer, name: string, type: number) {
    return this.#make('MKNOD', (args) => {
      writePlace(args, directory, name)
      args.uint32(type)
      writeSettable(args, {})
    })
  }

  async #make(name: keyof typeof PROCEDURES, write: WriteArguments, options?: CallOptions) {
    const reply = await this.call(name, write, options)
    const status = reply.uint32()
    if (status !== 0)
      return { status, handle: Buffer.alloc(0), attributes: undefined, consistency: readConsistency(reply) }
    const handle = reply.boolean() ? reply.opaque(64) : Buffer.alloc(0)
    const attributes = readPost(reply)
    return { status, handle, attributes, consistency: readConsistency(reply) }
  }

  async remove(directory: Buffer, name: string, procedure: 'REMOVE' | 'RMDIR' = 'REMOVE', options?: CallOptions) {
    const reply = await this.call(procedure, (args) => writePlace(args, directory, name), options)
    return { status: reply.uint32(), consistency: readConsistency(reply) }
  }

  async rename(from: Buffer, fromName: string, to: Buffer, toName: string) {
    const reply = await this.call('RENAME', (args) => {
      writePlace(args, from, fromName)
      writePlace(args, to, toName)
    })
    return { status: reply.uint32(), from: readConsistency(reply), to: readConsistency(reply) }
  }

  async link(handle: Buffer, directory: Buffer, name: string) {
    const reply = await this.call('LINK', (args) => {
      args.opaque(handle)
      writePlace(args, directory, name)
    })
    return { status: reply.uint32(), attributes: readPost(reply), consistency: readConsistency(reply) }
  }

  async readDirectory(directory: Buffer, cookie: bigint, count: number, verifier = 0n) {
    const reply = await this.call('READDIR', (args) => {
      args.opaque(directory)
      args.uint64(cookie)
      args.uint64(verifier)
      args.uint32(count)
    })
    return readListing(reply, false)
  }

  async readDirectoryPlus(directory: Buffer, cookie: bigint, nameBytes: number, allBytes: number) {
    const reply = await this.call('READDIRPLUS', (args) => {
      args.opaque(directory)
      args.uint64(cookie)
      args.uint64(0n)
      args.uint32(nameBytes)
      args.uint32(allBytes)
    })
    return readListing(reply, true)
  }
}

function writePlace(args: XdrWriter, directory: Buffer, name: string | Buffer): void {
  args.opaque(directory)
  args.opaque(Buffer.from(name))
}

function writeSettable(args: XdrWriter, { mode, uid, size, mtime }: SettableAttributes): void {
  args.boolean(mode !== undefined)
  if (mode !== undefined) args.uint32(mode)
  args.boolean(uid !== undefined)
  if (uid !== undefined) args.uint32(uid)
  args.boolean(false)
  args.boolean(size !== undefined)
  if (size !== undefined) args.uint64(size)
  args.uint32(0)
  args.uint32(mtime === undefined ? 0 : mtime === 'now' ? 1 : 2)
  if (mtime !== undefined && mtime !== 'now') {
    args.uint32(mtime.seconds)
    args.uint32(mtime.nanoseconds)
  }
}

function readTimeNs(reply: XdrReader): bigint {
  return BigInt(reply.uint32()) * 1_000_000_000n + BigInt(reply.uint32())
}

export function readAttributes(reply: XdrReader): Attributes {
  const [type, mode, links, uid, gid] = [reply.uint32(), reply.uint32(), reply.uint32(), reply.uint32(), reply.uint32()]
  const size = reply.uint64()
  const used = reply.uint64()
  reply.uint64()
  const fileSystemId = reply.uint64()
  const fileId = reply.uint64()
  const times = { atimeNs: readTimeNs(reply), mtimeNs: readTimeNs(reply), ctimeNs: readTimeNs(reply) }
  return { type, mode, links, uid, gid, size, used, fileSystemId, fileId, ...times }
}

export function readPost(reply: XdrReader): Attributes | undefined {
  return reply.boolean() ? readAttributes(reply) : undefined
}

function readConsistency(reply: XdrReader): Consistency {
  const before = reply.boolean()
    ? { size: reply.uint64(), mtimeNs: readTimeNs(reply), ctimeNs: readTimeNs(reply) }
    : undefined
  return { before, after: readPost(reply) }
}

function readListing(reply: XdrReader, isPlus: boolean) {
  const bytes = reply.remaining
  const status = reply.uint32()
  const attributes = readPost(reply)
  const entries: Listed[] = []
  if (status !== 0) return { status, attributes, entries, isEnd: false, verifier: 0n, bytes }
  const verifier = reply.uint64()
  while (reply.boolean()) {
    const entry: Listed = { fileId: reply.uint64(), name: reply.string(1024), cookie: reply.uint64() }
    if (isPlus) {
      entry.attributes = readPost(reply)
      entry.handle = reply.boolean() ? Buffer.from(reply.opaque(64)) : undefined
    }
    entries.push(entry)
  }
  return { status, attributes, entries, isEnd: reply.boolean(), verifier, bytes }
}

import { connect, type Socket } from 'node:net'
import { AUTH_NONE, AUTH_SYS } from '../src/rpc/credentials.ts'
import { RecordReader } from '../src/rpc/record-reader.ts'
import { XdrReader } from '../src/xdr/xdr-reader.ts'
import { XdrWriter } from '../src/xdr/xdr-writer.ts'

export type WriteArguments = (args: XdrWriter) => void

export interface CallOptions {
  xid?: number
  rpcVersion?: number
  flavor?: number
  credential?: Uint8Array
  verifierFlavor?: number
}

/** One procedure of a program. */
export interface Procedure {
  program: number
  version: number
  procedure: number
}

/** A call as one record of one fragment. */
export function callRecord(
  { program, version, procedure }: Procedure,
  write: WriteArguments = () => undefined,
  options: CallOptions = {},
): Buffer {
  const args = new XdrWriter()
  args.uint32(options.xid ?? 1)
  args.uint32(0)
  args.uint32(options.rpcVersion ?? 2)
  args.uint32(program)
  args.uint32(version)
  args.uint32(procedure)
  args.uint32(options.flavor ?? AUTH_SYS)
  args.opaque(options.credential ?? ((options.flavor ?? AUTH_SYS) === AUTH_SYS ? sysCredential() : Buffer.alloc(0)))
  args.uint32(options.verifierFlavor ?? AUTH_NONE)
  args.uint32(0)
  write(args)
  return record(Buffer.concat(args.finish()))
}

export function sysCredential(groups = 1): Buffer {
  const body = new XdrWriter()
  body.uint32(7)
  body.string('alice')
  body.uint32(1000)
  body.uint32(1000)
  body.uint32(groups)
  for (let group = 0; group < groups; group++) body.uint32(group)
  return Buffer.concat(body.finish())
}

/** `body` as one record of one fragment. */
export function record(body: Uint8Array): Buffer {
  const mark = Buffer.alloc(4)
  mark.writeUInt32BE((0x8000_0000 | body.length) >>> 0)
  return Buffer.concat([mark, body])
}

/** A client that writes what it is told and finds answers by their transaction number. */
export class RpcClient {
  readonly socket: Socket
  readonly #records = new RecordReader()
  readonly #waiting = new Map<number, (reply: XdrReader) => void>()
  #nextXid = 0x1000
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (data: Buffer) => {
      this.#records.push(data)
      for (let reply = this.#records.next(); reply !== undefined; reply = this.#records.next()) {
        const reader = new XdrReader(reply)
        const xid = reader.uint32()
        this.#waiting.get(xid)?.(reader)
        this.#waiting.delete(xid)
      }
    })
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RpcClient> {
    const socket = connect({ port, host, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RpcClient(socket)
  }

  /** The reply behind its xid. Never settles if none comes. */
  send(procedure: Procedure, write?: WriteArguments, options: CallOptions = {}): Promise<XdrReader> {
    const xid = options.xid ?? this.#nextXid++
    this.socket.write(callRecord(procedure, write, { ...options, xid }))
    return this.answerTo(xid)
  }

  answerTo(xid: number): Promise<XdrReader> {
    return new Promise((resolve) => this.#waiting.set(xid, resolve))
  }

  /** The results of a call that succeeded as far as RPC is concerned. */
  async call(procedure: Procedure, write?: WriteArguments, options?: CallOptions): Promise<XdrReader> {
    const reply = await this.send(procedure, write, options)
    const head = [reply.uint32(), reply.uint32(), reply.uint32(), reply.uint32(), reply.uint32()]
    if (head.join(' ') !== '1 0 0 0 0') throw new Error(`the call was refused: ${head.join(' ')}`)
    return reply
  }

  end(): Promise<void> {
    this.socket.end()
    return this.closed
  }
}

import { connect, type Socket } from 'node:net'

const NFS = 100_003
const MOUNT = 100_005
/** From the start of a reply to its results: mark, xid, REPLY, MSG_ACCEPTED, verifier, SUCCESS. */
const REPLY_HEAD_BYTES = 28
/** As much of a reply as is looked at: its head, a status, a handle. */
const KEPT_BYTES = 128

export const NFS_PROCEDURES = {
  GETATTR: 1,
  LOOKUP: 3,
  READ: 6,
  WRITE: 7,
  CREATE: 8,
  MKDIR: 9,
  REMOVE: 12,
  READDIRPLUS: 17,
  COMMIT: 21,
} as const

/** Big-endian words, and opaques behind their length. */
export function words(...values: readonly (number | Buffer)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (typeof value === 'number') {
        const word = Buffer.alloc(4)
        word.writeUInt32BE(value)
        return word
      }
      return Buffer.concat([words(value.length), value, Buffer.alloc(-value.length & 3)])
    }),
  )
}

/** Both halves of an offset. */
export function offsetWords(offset: number): [number, number] {
  return [Math.floor(offset / 2 ** 32), offset % 2 ** 32]
}

/** A client that keeps a number of calls on their way, and looks at no more of the answers than whether they are good. */
export class NfsBenchClient {
  readonly #socket: Socket
  #onReply: (head: Buffer) => void = () => undefined
  readonly #head = Buffer.alloc(KEPT_BYTES)
  #headBytes = 0
  #bytesLeft = 0
  #xid = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => this.#take(data))
  }

  static async connect(port: number): Promise<NfsBenchClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new NfsBenchClient(socket)
  }

  /** The root of an export: `/bench`. */
  async mount(exportPath: string): Promise<Buffer> {
    return handleIn(await this.#ask(MOUNT, 1, [words(Buffer.from(exportPath))]), REPLY_HEAD_BYTES + 4)
  }

  async makeDirectory(directory: Buffer, name: string): Promise<Buffer> {
    const args = words(directory, Buffer.from(name), 0, 0, 0, 0, 0, 0)
    return handleIn(await this.#ask(NFS, NFS_PROCEDURES.MKDIR, [args]), REPLY_HEAD_BYTES + 8)
  }

  async create(directory: Buffer, name: string): Promise<Buffer> {
    const args = words(directory, Buffer.from(name), 0, 0, 0, 0, 0, 0, 0)
    return handleIn(await this.#ask(NFS, NFS_PROCEDURES.CREATE, [args]), REPLY_HEAD_BYTES + 8)
  }

  /** One READDIRPLUS after another to the directory's end. */
  async list(directory: Buffer): Promise<number> {
    let [upper, lower] = [0, 0]
    for (let entries = 0; ; ) {
      const args = words(directory, upper, lower, 0, 0, 65_536, 65_536)
      const reply = await this.#whole(NFS_PROCEDURES.READDIRPLUS, args)
      let at = REPLY_HEAD_BYTES + 4 + 88 + 8
      while (reply.readUInt32BE(at) === 1) {
        const name = reply.readUInt32BE(at + 12)
        at += 16 + name + (-name & 3)
        ;[upper, lower] = [reply.readUInt32BE(at), reply.readUInt32BE(at + 4)]
        at += 8 + 88 + 4
        const handle = reply.readUInt32BE(at)
        at += 4 + handle + (-handle & 3)
        entries += 1
      }
      if (reply.readUInt32BE(at + 4) === 1) return entries
    }
  }

  /** Makes `count` calls, `window` of them at once, and gives the milliseconds it took. */
  run(procedure: number, count: number, window: number, args: (index: number) => readonly Buffer[]): Promise<number> {
    const startedMs = performance.now()
    return new Promise((resolve, reject) => {
      let sent = 0
      let answered = 0
      const next = (): void => this.#send(NFS, procedure, args(sent++))
      this.#onReply = (head) => {
        if (head.readUInt32BE(24) !== 0 || head.readUInt32BE(REPLY_HEAD_BYTES) !== 0) {
          reject(new Error(`procedure ${procedure} failed: ${head.toString('hex')}`))
        }
        answered += 1
        if (answered === count) resolve(performance.now() - startedMs)
        else if (sent < count) next()
      }
      this.#socket.cork()
      while (sent < Math.min(count, window)) next()
      this.#socket.uncork()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #ask(program: number, procedure: number, args: readonly Buffer[]): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#onReply = (head) => resolve(Buffer.from(head))
      this.#send(program, procedure, args)
    })
  }

  /** A reply with all that is in it. */
  #whole(procedure: number, args: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const pieces: Buffer[] = []
      const keep = (data: Buffer): void => void pieces.push(data)
      this.#socket.prependListener('data', keep)
      this.#onReply = () => {
        this.#socket.off('data', keep)
        resolve(Buffer.concat(pieces))
      }
      this.#send(NFS, procedure, [args])
    })
  }

  #send(program: number, procedure: number, args: readonly Buffer[]): void {
    const length = 40 + args.reduce((sum, part) => sum + part.length, 0)
    const head = words(0x8000_0000 + length, this.#xid++, 0, 2, program, 3, procedure, 0, 0, 0, 0)
    this.#socket.cork()
    for (const part of [head, ...args]) this.#socket.write(part)
    this.#socket.uncork()
  }

  #take(data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      if (this.#headBytes < 4) {
        this.#head[this.#headBytes++] = data[at++]!
        if (this.#headBytes === 4) this.#bytesLeft = this.#head.readUInt32BE() - 0x8000_0000
        continue
      }
      const length = Math.min(this.#bytesLeft, data.length - at)
      const kept = Math.min(length, KEPT_BYTES - this.#headBytes)
      data.copy(this.#head, this.#headBytes, at, at + kept)
      this.#headBytes += kept
      this.#bytesLeft -= length
      at += length
      if (this.#bytesLeft > 0) continue
      this.#headBytes = 0
      this.#onReply(this.#head)
    }
  }
}

function handleIn(reply: Buffer, at: number): Buffer {
  if (reply.readUInt32BE(REPLY_HEAD_BYTES) !== 0) throw new Error(`a call failed: ${reply.toString('hex')}`)
  return Buffer.from(reply.subarray(at + 4, at + 4 + reply.readUInt32BE(at)))
}

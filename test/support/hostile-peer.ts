import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type DeviceKey, type ErrorCode, type SpaceId, spaceId, systemClock } from '@dittofs/interface'
import { connectLink, createIdentity, type Identity, type KnockKey, verifySignature } from '@dittofs/link'
import {
  decodeTicket,
  levelKeyValueStore,
  type Memberships,
  openMemberships,
  redeemTicket,
  ticketKeys,
} from '@dittofs/membership'
import {
  decodeMessage,
  encodeFrameHeader,
  encodeMessage,
  encodeMetadata,
  FrameDecoder,
  fromWireCode,
  type Message,
  PROTOCOL_VERSIONS,
} from '@dittofs/wire'
import { Level } from 'level'
// What follows is internal on purpose: nothing that the packages export lets a program misbehave like this.
import { knock } from '../../packages/link/src/knock.ts'
import { secureAsInitiator } from '../../packages/link/src/tls-handshake.ts'
import { encodeUpdateMessage } from '../../packages/metadata/src/exchange.ts'
import type { LogRecord } from '../../packages/metadata/src/record.ts'
import { encodeRecord } from '../../packages/metadata/src/record-codec.ts'
import { writerStatement } from '../../packages/metadata/src/update-guard.ts'
import { encodeUpdate } from '../../packages/metadata/src/update-writer.ts'

const NEVER = new AbortController().signal

/** A device that was let in and then says whatever it likes: a member by key, none by conduct. */
export class HostilePeer {
  readonly #identity: Identity
  readonly #target: string
  readonly #victim: DeviceKey
  readonly #memberships: Memberships
  readonly space: SpaceId
  readonly #database: Level

  private constructor(
    identity: Identity,
    target: string,
    victim: DeviceKey,
    memberships: Memberships,
    space: SpaceId,
    database: Level,
  ) {
    this.#identity = identity
    this.#target = target
    this.#victim = victim
    this.#memberships = memberships
    this.space = space
    this.#database = database
  }

  /**
   * Redeems a ticket as any newcomer does.
   *
   * @param target - HOST:PORT of the device that made the ticket
   * @param directory - an empty directory for what has to be remembered
   */
  static async pair(ticketText: string, target: string, directory: string): Promise<HostilePeer> {
    const ticket = decodeTicket(ticketText)
    const identity = await createIdentity()
    const database = new Level(directory)
    const memberships = await openMemberships({
      store: levelKeyValueStore(database.sublevel('members')),
      signer: identity,
      clock: systemClock,
      random: randomBytes,
      verify: verifySignature,
    })
    const { id, knock: secret } = ticketKeys(ticket.secret)
    const link = await connectLink({
      duplex: dial(target),
      transport: 'tcp',
      remote: `tcp://${target}`,
      identity,
      knockKeys: [{ match: { kind: 'ticket', name: Buffer.from(id).toString('hex') }, secret }],
      expected: ticket.key,
    })
    const { membership } = await redeemTicket({
      link,
      ticket,
      memberships,
      clock: systemClock,
      name: 'mallory',
      platform: 'test',
    })
    return new HostilePeer(identity, target, ticket.key, memberships, membership.space, database)
  }

  /** Opens a session like any member: knock, TLS, hello, the space as number 1. */
  async connect(): Promise<HostileSession> {
    const secrets = this.#memberships.secrets().filter(({ match }) => match.kind === 'space')
    const keys: KnockKey[] = secrets.map(({ match, knock: secret }) => ({ match, secret }))
    const duplex = dial(this.#target)
    await knock(duplex, keys, { randomBytes })
    const { socket } = await secureAsInitiator({
      duplex,
      identity: this.#identity,
      accept: (peer) => peer === this.#victim,
      signal: NEVER,
    })
    const session = new HostileSession(socket)
    session.send(encodeMessage({ type: 'hello', versions: PROTOCOL_VERSIONS, instance: randomBytes(16) }))
    session.send(
      encodeMessage({ type: 'spaces', spaces: [{ number: 1, id: spaceId.toBytes(this.space), name: 'home' }] }),
    )
    await session.received((message) => message.type === 'metadata')
    return session
  }

  /** A metadata message with a log of its own, well signed, that holds these records. */
  log(writer: number, records: readonly LogRecord[]): Uint8Array {
    const signature = this.#identity.sign(writerStatement(this.space, writer))
    const first: LogRecord = { type: 'writer', device: this.#identity.key, signature }
    return encodeUpdateMessage(encodeUpdate([{ writer, clock: 0, items: [first, ...records].map(encodeRecord) }]))
  }

  async close(): Promise<void> {
    await this.#database.close()
  }
}

/** One session of a hostile peer. Nothing it sends is checked. */
export class HostileSession {
  readonly socket: TLSSocket
  readonly messages: Message[] = []
  /** The code of the other side's `bye`; `undefined` where it hung up without one. */
  readonly ended: Promise<ErrorCode | undefined>
  #changed = (): void => undefined

  constructor(socket: TLSSocket) {
    this.socket = socket
    const decoder = new FrameDecoder()
    socket.on('data', (bytes: Buffer) => {
      for (const payload of decoder.push(bytes)) this.messages.push(decodeMessage(payload))
      this.#changed()
    })
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        const bye = this.messages.find((message) => message.type === 'bye')
        resolve(bye === undefined ? undefined : fromWireCode(bye.code))
        this.#changed()
      })
    })
  }

  send(...parts: readonly Uint8Array[]): void {
    const payload = Buffer.concat(parts)
    this.sendRaw(encodeFrameHeader(payload.length), payload)
  }

  sendRaw(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  sendMetadata(message: Uint8Array, isHello = false): void {
    for (const parts of encodeMetadata(1, message, isHello)) this.send(...parts)
  }

  /** The first message, of those that came and those to come, that `isWanted`. */
  async received(isWanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.messages.find(isWanted)
      if (found !== undefined) return found
      if (this.socket.destroyed) throw new Error('the session ended before the message came')
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

function dial(target: string): Socket {
  const [host, port] = target.split(':') as [string, string]
  const socket = connect(Number(port), host)
  socket.on('error', () => undefined)
  void once(socket, 'connect').catch(() => undefined)
  return socket
}

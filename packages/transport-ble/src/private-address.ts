import type { EventEmitter } from 'node:events'
import type { Clock, RandomBytes } from '@dittofs/interface'

/*
 * Packets between host and controller (Bluetooth Core Specification, Vol 4, Part E): commands are a type, 2 bytes of
 * opcode, a length and parameters; the event that says that a command is done has its opcode and a status.
 */
const COMMAND = 0x01
const EVENT = 0x04
const COMMAND_COMPLETE = 0x0e
const SET_RANDOM_ADDRESS = 0x2005
/** Where each command says by which of its addresses a device shows itself: 0 is the public one, 1 the random one. */
const OWN_ADDRESS_TYPE_AT: ReadonlyMap<number, number> = new Map([
  [0x2006, 9], // LE Set Advertising Parameters
  [0x200b, 9], // LE Set Scan Parameters
  [0x200d, 16], // LE Create Connection
  [0x2041, 4], // LE Set Extended Scan Parameters
  [0x2043, 5], // LE Extended Create Connection
])
const RANDOM = 1
const ADDRESS_BYTES = 6
/** An adapter answers within milliseconds. Should it do so later, the address is another one without our knowing. */
const ANSWER_TIMEOUT_MS = 3_000

/** How one of the packages speaks to the adapter, on systems where it does so itself. */
interface HciSocket extends EventEmitter {
  write: (packet: Buffer) => void
}

interface Internals {
  readonly _bindings?: { readonly _hci?: { readonly _socket?: HciSocket } }
}

export interface PrivateAddressInit {
  clock: Clock
  randomBytes: RandomBytes
}

/**
 * The address by which one of the packages shows this device to whoever is near. Both know only the adapter's own, which
 * never changes: here a random one takes its place.
 *
 * It has the form of a resolvable private address (Vol 6, Part B, 1.3.2.2), as phones have them, and the key by which it
 * could be resolved is nobody's.
 */
export class PrivateAddress {
  readonly #init: PrivateAddressInit
  readonly #socket: HciSocket
  #current: string | undefined

  private constructor(socket: HciSocket, init: PrivateAddressInit) {
    this.#init = init
    this.#socket = socket
    const write = socket.write.bind(socket)
    socket.write = (packet) => write(this.#current === undefined ? packet : withRandomAddress(packet))
  }

  /**
   * @param radio - noble or bleno, switched on
   * @returns `undefined` where the system speaks to the adapter, which then decides by which address
   */
  static of(radio: object, init: PrivateAddressInit): PrivateAddress | undefined {
    const socket = (radio as Internals)._bindings?._hci?._socket
    return socket === undefined || typeof socket.write !== 'function' ? undefined : new PrivateAddress(socket, init)
  }

  /** The address as 12 hex digits; `undefined` while it is the adapter's own. */
  get current(): string | undefined {
    return this.#current
  }

  /**
   * Takes another address. Adapters refuse that while they advertise, scan or connect.
   *
   * @returns whether there is a new one; otherwise the one before stays
   */
  async renew(): Promise<boolean> {
    const answered = new AbortController()
    const { clock, randomBytes } = this.#init
    const address = Buffer.from(randomBytes(ADDRESS_BYTES))
    // The most significant byte comes last.
    address[ADDRESS_BYTES - 1] = (address[ADDRESS_BYTES - 1]! & 0x3f) | 0x40
    let isTaken = false
    const onData = (packet: Buffer) => {
      const status = statusOf(packet, SET_RANDOM_ADDRESS)
      if (status === undefined) return
      isTaken = status === 0
      answered.abort()
    }
    this.#socket.on('data', onData)
    this.#socket.write(command(SET_RANDOM_ADDRESS, address))
    await clock.sleep(ANSWER_TIMEOUT_MS, { signal: answered.signal }).catch(() => undefined)
    this.#socket.off('data', onData)
    if (isTaken) this.#current = address.reverse().toString('hex')
    return isTaken
  }
}

function command(opcode: number, parameters: Buffer): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt8(COMMAND, 0)
  header.writeUInt16LE(opcode, 1)
  header.writeUInt8(parameters.length, 3)
  return Buffer.concat([header, parameters])
}

/** @returns what an event says of a command that is done; `undefined` for other events */
function statusOf(packet: Buffer, opcode: number): number | undefined {
  const isDone = packet.length >= 7 && packet[0] === EVENT && packet[1] === COMMAND_COMPLETE
  return isDone && packet.readUInt16LE(4) === opcode ? packet[6] : undefined
}

function withRandomAddress(packet: Buffer): Buffer {
  const at = packet[0] === COMMAND && packet.length >= 4 ? OWN_ADDRESS_TYPE_AT.get(packet.readUInt16LE(1)) : undefined
  if (at === undefined || at >= packet.length) return packet
  const changed = Buffer.from(packet)
  changed[at] = RANDOM
  return changed
}

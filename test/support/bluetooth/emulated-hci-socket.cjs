/**
 * Stands in for the sockets by which noble and bleno reach an adapter: each instance is a controller of its own in the
 * emulator whose socket BTVIRT_SOCKET names.
 *
 * Beside carrying packets it does what the emulator leaves out: a link whose other end does not take what is sent for
 * SUPERVISION_MS is reported as lost, and so is one whose handle is given to a new link.
 */
'use strict'

const { EventEmitter } = require('node:events')
const net = require('node:net')

const SUPERVISION_MS = 1_000

const COMMAND = 0x01
const DATA = 0x02
const EVENT = 0x04
/** Where the length of the rest stands in a packet of each type, and how wide it is (Core Specification, Vol 4, Part E, 5.4). */
const LENGTHS = new Map([
  [COMMAND, { at: 3, bytes: 1 }],
  [DATA, { at: 3, bytes: 2 }],
  [EVENT, { at: 2, bytes: 1 }],
])

const DISCONNECTION_COMPLETE = 0x05
const COMPLETED_PACKETS = 0x13
const LE_META = 0x3e
const LE_CONNECTION_COMPLETE = [0x01, 0x0a]
const CONNECTION_TIMEOUT = 0x08

const RESET_COMMAND = Buffer.from([COMMAND, 0x03, 0x0c, 0x00])

class EmulatedHciSocket extends EventEmitter {
  #socket
  #received = Buffer.alloc(0)
  /** The links there are, by handle, and the timer of each that waits for what was sent to be taken. */
  #links = new Map()

  bindRaw(device = 0) {
    if (this.#socket === undefined) {
      this.#socket = net.connect(process.env.BTVIRT_SOCKET)
      this.#socket.on('data', (bytes) => this.#receive(bytes))
      this.#socket.on('error', (error) => this.emit('error', error))
    }
    return device
  }

  bindUser(device) {
    return this.bindRaw(device)
  }

  // bleno opens one for the kernel's management interface, which an emulated controller does not have.
  bindControl() {
    return 0
  }

  getDeviceList() {
    return [{ devId: 0, devUp: true, idVendor: null, idProduct: null }]
  }

  isDevUp() {
    return this.#socket !== undefined && !this.#socket.destroyed
  }

  start() {}
  setFilter() {}
  setAuth() {}
  cleanup() {}

  stop() {
    for (const timer of this.#links.values()) clearTimeout(timer)
    this.#links.clear()
    // Ending it politely would leave the emulator reading from a half-closed socket as fast as it can.
    this.#socket?.destroy()
    this.#socket = undefined
  }

  reset() {
    this.write(RESET_COMMAND)
  }

  write(packet) {
    if (!this.isDevUp()) return
    this.#socket.write(Buffer.from(packet))
    if (packet[0] === DATA) this.#supervise(packet.readUInt16LE(1) & 0x0fff)
  }

  #receive(bytes) {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      const length = packetLength(this.#received)
      if (length === undefined || this.#received.length < length) return
      const packet = this.#received.subarray(0, length)
      this.#received = this.#received.subarray(length)
      if (packet[0] === EVENT) this.#watch(packet)
      this.emit('data', packet)
    }
  }

  /** Follows which links there are, and which of them are alive. */
  #watch(packet) {
    const [, event, , first] = packet
    if (event === COMPLETED_PACKETS) {
      for (let at = 4; at + 4 <= packet.length; at += 4) this.#alive(packet.readUInt16LE(at) & 0x0fff)
    } else if (event === DISCONNECTION_COMPLETE) {
      this.#forget(packet.readUInt16LE(4) & 0x0fff)
    } else if (event === LE_META && LE_CONNECTION_COMPLETE.includes(first) && packet[4] === 0) {
      const handle = packet.readUInt16LE(5) & 0x0fff
      if (this.#links.has(handle)) this.#lost(handle)
      this.#links.set(handle, undefined)
    }
  }

  #supervise(handle) {
    if (!this.#links.has(handle) || this.#links.get(handle) !== undefined) return
    this.#links.set(handle, setTimeout(() => this.#lost(handle), SUPERVISION_MS).unref())
  }

  #alive(handle) {
    clearTimeout(this.#links.get(handle))
    if (this.#links.has(handle)) this.#links.set(handle, undefined)
  }

  #lost(handle) {
    this.#forget(handle)
    this.emit(
      'data',
      Buffer.from([EVENT, DISCONNECTION_COMPLETE, 4, 0, handle & 0xff, handle >> 8, CONNECTION_TIMEOUT]),
    )
  }

  #forget(handle) {
    clearTimeout(this.#links.get(handle))
    this.#links.delete(handle)
  }
}

/** Of the packet that begins the bytes; `undefined` while they are too few to tell. */
function packetLength(bytes) {
  if (bytes.length === 0) return undefined
  const field = LENGTHS.get(bytes[0])
  if (field === undefined) throw new Error(`the emulator sent a packet of the unknown type ${bytes[0]}`)
  const headerLength = field.at + field.bytes
  return bytes.length < headerLength ? undefined : headerLength + bytes.readUIntLE(field.at, field.bytes)
}

module.exports = EmulatedHciSocket
module.exports.default = EmulatedHciSocket
module.exports.loadDriver = () => EmulatedHciSocket

import { isDataRecord, isKnownForm, openRecord, type RecordKeys, sealRecord } from './fast-record.ts'
import { type DataChunk, dataPacket, readPacket, type SackChunk, sackPacket } from './sctp-packet.ts'
import { gapBlocks, isTsnOld, nextTsn } from './tsn.ts'

/**
 * A shorter way through werift for what a busy association consists of: DATA and SACK, each in a DTLS record, each in a
 * datagram. werift takes some ten buffers, three events and a dozen promises for one of them. Everything else goes its
 * usual way, and so does anything that is not exactly as expected. Congestion control, timers and retransmission stay
 * werift's own. docs/decisions/0006-webrtc.md has the figures.
 */

interface DtlsSocket {
  readonly sessionType: number
  readonly cipher: { readonly cipher?: RecordKeys }
  readonly dtls: { readonly epoch: number; recordSequenceNumber: number }
  readonly transport: { readonly socket: { onData: (datagram: Buffer) => void } }
}

export interface FastDtls {
  readonly dtls?: DtlsSocket
  dataReceiver: (packet: Buffer) => void
}

interface PlainEvent {
  execute: (...args: never[]) => void
  readonly event: { readonly stack: readonly { execute(...args: never[]): void }[] }
}

interface UdpProtocol {
  readonly type: string
  readonly onDataReceived?: PlainEvent
  readonly transport?: {
    readonly type: string
    readonly closed: boolean
    readonly socket?: { send(datagram: Buffer, port: number, host: string): void }
  }
}

export interface FastIce {
  readonly onData: PlainEvent
  readonly nominated:
    | {
        readonly protocol: UdpProtocol
        readonly remoteAddr: readonly [string, number]
        packetsSent: number
        bytesSent: number
      }
    | undefined
  canSendApplicationData(): boolean
  send(record: Buffer): Promise<void>
}

interface OutboundChunk extends DataChunk {
  readonly retransmit: boolean
  readonly bookSize: number
  sentCount: number
  sentTime: number | undefined
}

interface InboundStream {
  readonly reassembly: readonly DataChunk[]
  addChunk(chunk: DataChunk): void
  popMessages(): Iterable<[stream: number, protocol: number, data: Buffer]>
}

export interface FastSctp {
  readonly transport: { send(packet: Buffer): Promise<void> }
  readonly isStopped: boolean
  readonly state: string
  readonly localPort: number
  readonly remotePort: number | undefined
  readonly localVerificationTag: number
  readonly remoteVerificationTag: number
  lastReceivedTsn: number | undefined
  sackMisOrdered: Set<number>
  sackDuplicates: number[]
  sackNeeded: boolean
  sackImmediate: boolean
  sackPacketCount: number
  sackHasNewDataInPacket: boolean
  advertisedRwnd: number
  readonly sentQueue: OutboundChunk[]
  /** The last number up to which the other side has everything. */
  readonly lastSackedTsn: number
  readonly outboundQueue: OutboundChunk[]
  readonly cwnd: number
  readonly flightSize: number
  /** What of the other side's window is left. */
  readonly peerRwnd: number
  readonly fastRecoveryExit: number | undefined
  readonly forwardTsnChunk: unknown
  readonly timer3Handle: unknown
  timer3Expired: () => void
  timer3Start(): void
  flightSizeIncrease(chunk: OutboundChunk): void
  transmitOnce: () => Promise<void>
  readonly flush: {
    subscribe(listener: () => void): { unSubscribe: () => void }
    execute(): void
    asPromise: () => Promise<unknown>
  }
  handleData(packet: Buffer): Promise<void>
  receiveSackChunk(chunk: SackChunk): Promise<void>
  receiveDataChunk: (chunk: DataChunk) => void
  markReceived: (tsn: number) => boolean
  getInboundStream(stream: number): InboundStream
  receive(stream: number, protocol: number, data: Buffer): void
  scheduleSack: () => Promise<void>
  sendSack: () => Promise<void>
  sendChunk: (chunk: { readonly type: number }) => Promise<void>
}

const CLIENT = 1
const DATA = 0
const LAST_FRAGMENT = 0x01
/** RFC 9260 section 6.2: at least every second packet is acknowledged. */
const PACKETS_PER_SACK = 2
/** A SACK fits in one datagram; further gaps are told of by the next one. */
const MAX_GAPS = 250
const MAX_DUPLICATES = 20
const MAX_DISTANCE = 0xffff

/** Packets sent in one go (RFC 9260 section 6.1, rule D), as in werift. */
const MAX_BURST_BYTES = 4 * 1200

const DONE = Promise.resolve()

/**
 * Makes an association faster.
 *
 * @param ice - the agent in use
 * @returns takes what DTLS brings, in place of `sctp.handleData`; it rejects as that does
 */
export function hasten(
  sctp: FastSctp,
  transport: FastDtls,
  ice: () => FastIce | undefined,
): (packet: Buffer) => Promise<void> {
  const records = new Records(transport, ice)
  hastenSending(sctp, records)
  hastenReceiving(sctp)
  hastenTransmission(sctp)
  return async (packet) => {
    records.takeOver()
    if (sctp.isStopped) return
    const chunks = readPacket(packet, sctp.localVerificationTag)
    if (chunks === undefined || sctp.lastReceivedTsn === undefined) {
      await sctp.handleData(packet)
      return
    }
    sctp.sackHasNewDataInPacket = false
    for (const chunk of chunks) {
      if (chunk.type === DATA) sctp.receiveDataChunk(chunk)
      else if (isNews(sctp, chunk)) await sctp.receiveSackChunk(chunk)
    }
    if (!sctp.sackNeeded) return
    if (sctp.sackHasNewDataInPacket) sctp.sackPacketCount++
    if (sctp.sackPacketCount >= PACKETS_PER_SACK) sctp.sackImmediate = true
    await sctp.scheduleSack()
  }
}

/**
 * Whether a SACK is not older than one before it.
 *
 * @throws Error when it names what was not sent: werift would walk through up to 65,535 numbers for each gap
 */
function isNews(sctp: FastSctp, { cumulativeTsn, gaps }: SackChunk): boolean {
  if (cumulativeTsn !== sctp.lastSackedTsn && isTsnOld(sctp.lastSackedTsn, cumulativeTsn)) return false
  let end = 0
  for (const [first, last] of gaps) {
    if (first <= end || last < first || last > sctp.sentQueue.length) {
      throw new Error('the other side acknowledged what was not sent')
    }
    end = last
  }
  return true
}

class Records {
  readonly #transport: FastDtls
  readonly #ice: () => FastIce | undefined
  #takenOver: DtlsSocket | undefined

  constructor(transport: FastDtls, ice: () => FastIce | undefined) {
    this.#transport = transport
    this.#ice = ice
  }

  /** Sends a packet in a record of its own. @returns whether it could */
  send(packet: Buffer): boolean {
    const { dtls } = this.#transport
    const keys = dtls?.cipher.cipher
    const ice = this.#ice()
    if (dtls === undefined || dtls !== this.#takenOver || !isKnownForm(keys) || ice?.canSendApplicationData() !== true)
      return false
    const record = sealRecord(
      keys,
      dtls.sessionType === CLIENT,
      dtls.dtls.epoch,
      ++dtls.dtls.recordSequenceNumber,
      packet,
    )
    sendDatagram(ice, record)
    return true
  }

  /** Reads records itself from now on; to be called once the handshake is over, as it is when SCTP has brought anything. */
  takeOver(): void {
    const { dtls } = this.#transport
    if (dtls === undefined || dtls === this.#takenOver) return
    this.#takenOver = dtls
    const { socket } = dtls.transport
    const usual = socket.onData
    const ice = this.#ice()
    for (const event of [ice?.onData, ice?.nominated?.protocol.onDataReceived]) if (event !== undefined) simplify(event)
    socket.onData = (datagram) => {
      const keys = dtls.cipher.cipher
      if (!isDataRecord(datagram) || !isKnownForm(keys)) {
        usual(datagram)
        return
      }
      const packet = openRecord(keys, dtls.sessionType === CLIENT, datagram)
      if (packet !== undefined) this.#transport.dataReceiver(packet)
    }
  }
}

/** werift makes two promises for each event, for listeners that nobody has. */
function simplify(event: PlainEvent): void {
  event.execute = (...args) => {
    for (const listener of event.event.stack) listener.execute(...args)
  }
}

function sendDatagram(ice: FastIce, record: Buffer): void {
  const pair = ice.nominated
  const udp = pair?.protocol.transport
  if (pair === undefined || pair.protocol.type !== 'stun' || udp?.type !== 'udp' || udp.socket === undefined) {
    ice.send(record).catch(() => undefined)
    return
  }
  if (udp.closed) return
  const [host, port] = pair.remoteAddr
  try {
    udp.socket.send(record, port, host)
  } catch {
    // A socket that was closed just now: the packet is lost as others are.
    return
  }
  pair.packetsSent++
  pair.bytesSent += record.length
}

function hastenSending(sctp: FastSctp, records: Records): void {
  const usual = sctp.sendChunk.bind(sctp)
  sctp.sendChunk = (chunk) => {
    if (sctp.state === 'closed') return DONE
    if (chunk.type !== DATA || sctp.remotePort === undefined) return usual(chunk)
    const packet = dataPacket(portsOf(sctp, sctp.remotePort), chunk as DataChunk)
    return records.send(packet) ? DONE : sctp.transport.send(packet)
  }
  // Every message that waits would be woken by every acknowledgement, only to wait again until the queue is empty.
  let emptied: Promise<void> | undefined
  sctp.flush.asPromise = () => {
    emptied ??= new Promise((resolve) => {
      const { unSubscribe } = sctp.flush.subscribe(() => {
        if (sctp.outboundQueue.length > 0) return
        unSubscribe()
        emptied = undefined
        resolve()
      })
    })
    return emptied
  }
  const usualSack = sctp.sendSack.bind(sctp)
  sctp.sendSack = () => {
    const { lastReceivedTsn, remotePort } = sctp
    if (sctp.isStopped || !sctp.sackNeeded || lastReceivedTsn === undefined || remotePort === undefined)
      return usualSack()
    const gaps = sctp.sackMisOrdered.size === 0 ? [] : gapBlocks(lastReceivedTsn, sctp.sackMisOrdered)
    const packet = sackPacket(portsOf(sctp, remotePort), {
      cumulativeTsn: lastReceivedTsn,
      advertisedRwnd: Math.max(0, sctp.advertisedRwnd),
      gaps: gaps.filter(([, last]) => last <= MAX_DISTANCE).slice(0, MAX_GAPS),
      duplicates: sctp.sackDuplicates.slice(0, MAX_DUPLICATES),
    })
    sctp.sackDuplicates = []
    sctp.sackNeeded = false
    sctp.sackImmediate = false
    sctp.sackPacketCount = 0
    // One that cannot be sent is lost as others are.
    return records.send(packet) ? DONE : sctp.transport.send(packet).catch(() => undefined)
  }
}

/**
 * Without losses nothing is to be sent again, and then the queue of what was sent is not walked through: werift does so
 * with each acknowledgement.
 */
function hastenTransmission(sctp: FastSctp): void {
  let hasLosses = false
  const usual = sctp.transmitOnce.bind(sctp)
  const expire = sctp.timer3Expired.bind(sctp)
  sctp.timer3Expired = () => {
    hasLosses = true
    expire()
  }
  sctp.transmitOnce = async () => {
    if (sctp.isStopped) return
    if (sctp.fastRecoveryExit !== undefined || sctp.forwardTsnChunk !== undefined) hasLosses = true
    if (hasLosses) {
      await usual()
      hasLosses = sctp.fastRecoveryExit !== undefined || sctp.sentQueue.some(({ retransmit }) => retransmit)
      return
    }
    const limit = Math.min(sctp.flightSize + MAX_BURST_BYTES, sctp.cwnd)
    while (sctp.flightSize < limit && sctp.peerRwnd > 0) {
      const [chunk] = sctp.outboundQueue
      if (chunk === undefined || (chunk.bookSize > sctp.peerRwnd && sctp.flightSize > 0)) break
      sctp.outboundQueue.shift()
      sctp.sentQueue.push(chunk)
      sctp.flightSizeIncrease(chunk)
      chunk.sentCount++
      chunk.sentTime = Date.now() / 1000
      const sending = sctp.sendChunk(chunk)
      if (sending !== DONE) sending.catch(() => undefined)
      if (sctp.timer3Handle === undefined) sctp.timer3Start()
    }
    sctp.flush.execute()
  }
}

function hastenReceiving(sctp: FastSctp): void {
  // werift sorts the numbers as text with each packet, and is wrong where their length changes.
  sctp.markReceived = (tsn) => {
    const last = sctp.lastReceivedTsn as number
    if (isTsnOld(last, tsn) || sctp.sackMisOrdered.has(tsn)) {
      sctp.sackDuplicates.push(tsn)
      return true
    }
    if (tsn !== nextTsn(last)) {
      sctp.sackMisOrdered.add(tsn)
      return false
    }
    let reached = tsn
    while (sctp.sackMisOrdered.size > 0 && sctp.sackMisOrdered.delete(nextTsn(reached))) reached = nextTsn(reached)
    sctp.lastReceivedTsn = reached
    return false
  }
  sctp.receiveDataChunk = (chunk) => {
    sctp.sackNeeded = true
    const hadGap = sctp.sackMisOrdered.size > 0
    if (sctp.markReceived(chunk.tsn)) {
      sctp.sackImmediate = true
      return
    }
    sctp.sackHasNewDataInPacket = true
    if (hadGap || sctp.sackMisOrdered.size > 0) sctp.sackImmediate = true
    const stream = sctp.getInboundStream(chunk.streamId)
    stream.addChunk(chunk)
    sctp.advertisedRwnd -= chunk.userData.length
    // In order, only a last fragment can complete a message.
    const isInTheMiddle = (chunk.flags & LAST_FRAGMENT) === 0 && stream.reassembly.at(-1) === chunk
    if (isInTheMiddle) return
    for (const message of stream.popMessages()) {
      sctp.advertisedRwnd += message[2].length
      sctp.receive(...message)
    }
  }
  // At the end of the turn at the latest: others would wait 200 ms for the acknowledgement of a lone packet.
  let isDue = false
  sctp.scheduleSack = () => {
    if (sctp.sackImmediate) return sctp.sendSack()
    if (!isDue) {
      isDue = true
      setImmediate(() => {
        isDue = false
        sctp.sendSack().catch(() => undefined)
      })
    }
    return DONE
  }
}

function portsOf(sctp: FastSctp, remote: number): { local: number; remote: number; tag: number } {
  return { local: sctp.localPort, remote, tag: sctp.remoteVerificationTag }
}

import {
  type AbortOptions,
  type DeviceKey,
  DittoError,
  isDittoError,
  type Link,
  type SpaceId,
} from '@dittofs/interface'
import {
  ABILITY,
  agreeVersion,
  decodeAddressesMessage,
  decodeMessage,
  encodeMessage,
  MESSAGE_TYPE,
  type Message,
  PROTOCOL_VERSIONS,
  type SpacesMessage,
  toWireCode,
} from '@dittofs/wire'
import { AddressSender } from './address-sender.ts'
import { asDittoError } from './as-ditto-error.ts'
import { closeLink } from './close-link.ts'
import { EchoQuestions } from './echo-questions.ts'
import { KeptQuestions } from './kept-questions.ts'
import { LinkWriter } from './link-writer.ts'
import { NamedSpaces } from './named-spaces.ts'
import { peersReason } from './peers-reason.ts'
import { Pings } from './pings.ts'
import { Provider } from './provider.ts'
import { ReferenceAnswers } from './reference-answers.ts'
import { ReferenceQuestions } from './reference-questions.ts'
import { Requester } from './requester.ts'
import type { SessionInit } from './session-init.ts'
import { SharedSpace } from './shared-space.ts'
import { SignsOfLife } from './signs-of-life.ts'
import { spacesMessage } from './spaces-message.ts'
import type { SyncSpace } from './sync-space.ts'

/** What takes longer is far away, whatever it is. */
const ROUND_TRIP_TIMEOUT_MS = 5000
/** What this device can do beyond what every device does. */
const ABILITIES = [ABILITY.answersOutlines, ABILITY.echoes]

/**
 * The conversation with one device over one link. Of several with one device only that over the best link is in use; the
 * others stand by.
 */
export class Session {
  readonly peer: DeviceKey
  readonly link: Link
  readonly requester: Requester
  readonly kept: KeptQuestions
  readonly echoes: EchoQuestions
  /** Resolves, never rejects, when the session is over; with the reason unless both had nothing more to say. */
  readonly ended: Promise<Error | undefined>
  readonly #init: SessionInit
  readonly #writer: LinkWriter
  readonly #provider: Provider
  readonly #references: ReferenceAnswers
  readonly #addresses: AddressSender | undefined
  readonly #stop = new AbortController()
  readonly #shared = new Map<SpaceId, SharedSpace>()
  readonly #theirs = new NamedSpaces()
  #sentSpaces = ''
  #peerInstance: Uint8Array | undefined
  #peerClockOffsetMs: number | undefined
  #peerName: string | undefined
  #isReady = false
  #hasHeardSpaces = false
  #isOver = false
  #isPeerDone = false
  readonly #signsOfLife: SignsOfLife
  readonly #pings: Pings
  #resolveEnded!: (reason: Error | undefined) => void

  constructor(init: SessionInit) {
    this.#init = init
    this.link = init.link
    this.peer = init.link.peer
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.#writer = new LinkWriter(init.link)
    this.#addresses = init.addresses && new AddressSender(init.addresses, this.peer)
    this.#pings = new Pings(init.clock, (nonce) => this.#writer.post(encodeMessage({ type: 'ping', nonce })))
    this.#signsOfLife = new SignsOfLife({
      ...{ clock: init.clock, link: init.link },
      hasHello: () => this.#peerInstance !== undefined,
      hasShared: () => this.#shared.size > 0,
      ask: () => this.#writer.post(encodeMessage({ type: 'ping', nonce: 0 })),
    })
    const { signal } = this.#stop
    const spaceOf = (number: number) => this.#sharedByNumber(number)?.space.id
    const spaceNumber = (space: SpaceId) => this.#shared.get(space)?.space.number
    const { store, readManifest, clock, log } = init
    const writer = this.#writer
    this.requester = new Requester({
      peer: this.peer,
      references: new ReferenceQuestions({ writer, clock, signal, spaceNumber }),
      ...{ isMetered: init.isMetered, isSlow: init.isSlow, tuning: init.tuning },
      writer,
      clock,
      budget: init.budget,
      download: init.download,
      spaceNumber,
    })
    this.#provider = new Provider({ upload: init.upload, store, readManifest, writer, log, spaceOf, clock })
    this.#references = new ReferenceAnswers({ store, readManifest, writer, log, signal, spaceOf })
    this.kept = new KeptQuestions({ writer, clock, signal, spaceOf, spaceNumber, answer: init.answerKept })
    const isMember = () => this.#shared.size > 0
    this.echoes = new EchoQuestions({ writer, clock, signal, isMember, answer: init.answerEcho })
    void this.#run()
  }

  /** Whether the peer's hello came and was accepted, and the session goes on. */
  get isOpen(): boolean {
    return this.#isReady && !this.#isOver
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether it can be put to use: both have said which spaces they speak of. */
  get isReady(): boolean {
    return this.isOpen && this.#hasHeardSpaces
  }

  get isInUse(): boolean {
    return this.requester.isServing
  }

  /** Random bytes of the peer's run; `undefined` before its hello. */
  get peerInstance(): Uint8Array | undefined {
    return this.#peerInstance
  }

  /** By how much the peer's clock was ahead when its hello came, in milliseconds; `undefined` where it did not tell. */
  get peerClockOffsetMs(): number | undefined {
    return this.#peerClockOffsetMs
  }

  /** The name the peer gives itself: a label, trusted for nothing. */
  get peerName(): string | undefined {
    return this.#peerName
  }

  /** The spaces that both devices named. */
  get shared(): ReadonlyMap<SpaceId, SharedSpace> {
    return this.#shared
  }

  /** Whether the peer said which spaces it may speak of. */
  get hasHeardSpaces(): boolean {
    return this.#hasHeardSpaces
  }

  /** Whether the peer answers a ping within the time. */
  async isAlive(timeoutMs: number, { signal }: AbortOptions = {}): Promise<boolean> {
    const either = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
    return !this.#isOver && this.#pings.isAnswered(timeoutMs, { signal: either })
  }

  /** Puts the link to use, or leaves it to stand by: another is better. */
  setInUse(isInUse: boolean): void {
    if (this.#isOver || this.isInUse === isInUse) return
    this.requester.isServing = isInUse
    for (const shared of this.#shared.values()) {
      if (isInUse) shared.take()
      else shared.leave()
    }
    this.sendAddresses()
    this.#init.onRoom(this)
  }

  /** Speaks no more over a link that is not in use, until the peer does again. */
  beQuiet(): void {
    if (this.isInUse) return
    for (const shared of this.#shared.values()) shared.exchange.pause()
  }

  /** Tells the peer where members of the shared spaces can be reached, as far as it was not told yet. */
  sendAddresses(): void {
    if (!this.isInUse) return
    for (const payload of this.#addresses?.untold([...this.#shared.keys()]) ?? []) this.#writer.post(payload)
  }

  /** Members of a space changed: passes the statements on, before `updateSpaces` acts on them. */
  sendStatements(space: SpaceId): void {
    if (!this.#isReady || this.#isOver) return
    for (const payload of this.#init.statements?.changed(space, this.peer) ?? []) this.#writer.post(payload)
  }

  /** Members or spaces of this device changed: tells the peer which spaces it may hear of now. */
  updateSpaces(): void {
    if (!this.#isReady || this.#isOver) return
    const own = [...this.#init.spaces()].filter((space) => space.isSharedWith(this.peer))
    const payload = encodeMessage(spacesMessage(own, this.#theirs, this.#init.deviceName))
    const text = Buffer.from(payload).toString('latin1')
    if (text !== this.#sentSpaces) {
      this.#sentSpaces = text
      this.#writer.post(payload)
    }
    for (const [id, shared] of this.#shared) {
      if (own.includes(shared.space) && this.#theirs.numberOf(id) === shared.theirNumber) continue
      this.#shared.delete(id)
      shared.close()
    }
    for (const space of own) {
      const theirNumber = this.#theirs.numberOf(space.id)
      if (theirNumber !== undefined && !this.#shared.has(space.id)) this.#open(space, theirNumber)
    }
    this.#init.onChange(this)
  }

  /** Tells the peer that nothing more comes, and why, and closes the link. Idempotent. */
  async end(reason?: Error): Promise<void> {
    if (this.#isOver) return
    this.#writer.post(encodeMessage({ type: 'bye', code: toWireCode(reason) }))
    this.#finish(reason)
    await closeLink(this.link, this.#init.clock)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { instance, clock } = this.#init
    this.#writer.post(
      encodeMessage({
        ...{ type: 'hello', versions: PROTOCOL_VERSIONS, instance },
        ...{ time: clock.now(), abilities: ABILITIES },
      }),
    )
    this.#start(this.#signsOfLife.watch(signal))
    try {
      for await (const payload of this.link.frames()) {
        if (this.#isOver) return
        this.#signsOfLife.heard()
        await this.#receive(decodeMessage(payload), signal)
      }
      this.#finish(undefined)
    } catch (error) {
      if (this.#isPeerDone) this.#finish(undefined)
      else if (isDittoError(error, 'DITTO_LINK_CUT')) this.#finish(error)
      else await this.end(asDittoError(error, this.#init.log, this.peer))
    }
  }

  async #receive(message: Message, signal: AbortSignal): Promise<void> {
    if (message.type === 'bye') {
      this.#isPeerDone = true
      this.#finish(peersReason(message))
      await this.link.close()
      return
    }
    if (this.#peerInstance === undefined) {
      if (message.type !== 'hello') throw new DittoError('DITTO_PROTOCOL', 'The peer did not begin with a hello.')
      agreeVersion(PROTOCOL_VERSIONS, message.versions)
      this.#peerInstance = message.instance
      if (message.time !== undefined) this.#peerClockOffsetMs = message.time - this.#init.clock.now()
      this.requester.references.setAble(message.abilities?.includes(ABILITY.answersOutlines) === true)
      this.echoes.setAble(message.abilities?.includes(ABILITY.echoes) === true)
      this.#start(this.#greet())
      return
    }
    switch (message.type) {
      case 'hello':
        throw new DittoError('DITTO_PROTOCOL', 'The peer said hello twice.')
      case 'ping':
        // Who asks whether it has heard all learns of changes for which metadata still waits its turn.
        for (const shared of this.#shared.values()) shared.tellProgress()
        this.#writer.post(encodeMessage({ type: 'pong', nonce: message.nonce }))
        return
      case 'pong':
        this.#pings.answered(message.nonce)
        return
      case 'spaces':
        this.#receiveSpaces(message)
        return
      case 'metadata':
        await this.#sharedByNumber(message.space)?.exchange.push(message, signal)
        return
      case 'progress':
        this.#sharedByNumber(message.space)?.receiveProgress(message)
        return
      case 'digests':
      case 'wantLog':
      case 'logPart':
        this.#sharedByNumber(message.space)?.watch.receive(message)
        return
      case 'want':
        this.#provider.want(message)
        return
      case 'cancel':
        this.#provider.cancel(message.request)
        return
      case 'chunks':
        this.requester.onChunks(message)
        this.#init.onRoom(this)
        return
      case 'packedChunks':
        await this.requester.onPackedChunks(message)
        this.#init.onRoom(this)
        return
      case 'absent':
        this.requester.onAbsent(message)
        this.#init.onRoom(this)
        return
      case 'askKept':
        this.kept.onAskKept(message)
        return
      case 'kept':
        this.kept.onKept(message)
        return
      case 'askOutline':
      case 'askRecipe':
        this.#references.onAsk(message)
        return
      case 'outline':
        this.requester.references.onOutline(message)
        return
      case 'recipe':
        this.requester.references.onRecipe(message)
        return
      case 'askEcho':
        this.echoes.onAskEcho(message)
        return
      case 'echo':
        this.echoes.onEcho(message)
        return
      case 'other':
        if (message.number === MESSAGE_TYPE.statements) await this.#receiveStatements(message.payload)
        if (message.number === MESSAGE_TYPE.addresses) this.#receiveAddresses(message.payload)
    }
  }

  async #receiveStatements(payload: Uint8Array): Promise<void> {
    const { statements, link } = this.#init
    for (const answer of (await statements?.receive(payload, this.peer, link.match)) ?? []) this.#writer.post(answer)
  }

  #receiveAddresses(payload: Uint8Array): void {
    this.#init.addresses?.receive(decodeAddressesMessage(payload), [...this.#shared.keys()])
  }

  #receiveSpaces(message: SpacesMessage): void {
    this.#theirs.replace(message)
    this.#hasHeardSpaces = true
    if (message.device !== undefined) this.#peerName = message.device
    this.updateSpaces()
  }

  /** The hello was fine: whoever decides about sessions agrees, then statements, then spaces. */
  async #greet(): Promise<void> {
    await this.#init.onHello(this)
    if (this.#isOver) return
    this.#start(this.#measureRoundTrip())
    for (const payload of this.#init.statements?.start(this.peer, this.link.match) ?? []) {
      await this.#writer.write([payload], { signal: this.#stop.signal })
    }
    this.#isReady = true
    this.#start(this.#provider.run(this.#stop.signal))
    this.updateSpaces()
  }

  /** Before anything is asked for, so that the first requests suit the link. */
  async #measureRoundTrip(): Promise<void> {
    const { clock } = this.#init
    const sentAt = clock.monotonic()
    if (await this.isAlive(ROUND_TRIP_TIMEOUT_MS)) this.requester.roundTrip(clock.monotonic() - sentAt)
  }

  #open(space: SyncSpace, theirNumber: number): void {
    const shared = new SharedSpace({
      space,
      peer: this.peer,
      theirNumber,
      requester: this.requester,
      writer: this.#writer,
      clock: this.#init.clock,
      onChange: () => this.#init.onChange(this),
      onPeerBegan: () => this.#init.onPeerBegan(this),
    })
    this.#shared.set(space.id, shared)
    if (this.isInUse) shared.take()
    this.sendAddresses()
    this.#start(shared.run())
    this.#init.onRoom(this)
  }

  #sharedByNumber(number: number): SharedSpace | undefined {
    const id = this.#theirs.idOf(number)
    const shared = id === undefined ? undefined : this.#shared.get(id)
    return shared?.space.isSharedWith(this.peer) === true ? shared : undefined
  }

  /** Runs a part of the session beside the others; its failure ends all of them. */
  #start(part: Promise<void>): void {
    part.catch(async (error: unknown) => {
      if (this.#isOver) return
      if (isDittoError(error, 'DITTO_LINK_CUT')) return // the reader reports it, after what is still to be read
      await this.end(asDittoError(error, this.#init.log, this.peer))
    })
  }

  #finish(reason: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stop.abort(reason ?? new DittoError('DITTO_CLOSED', 'The session has ended.'))
    this.requester.isServing = false
    this.#init.onEnding(this)
    for (const shared of this.#shared.values()) shared.close()
    this.#shared.clear()
    this.requester.releaseAll()
    this.#resolveEnded(reason)
  }
}

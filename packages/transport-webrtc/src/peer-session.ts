import { type Address, type Clock, type DeviceKey, DittoError, type Logger, type Signal } from '@dittofs/interface'
import type { RTCCertificate } from 'werift'
import { Association } from './association.ts'
import { formatCandidate, NO_MORE_CANDIDATES, parseCandidate } from './ice-candidate.ts'
import type { ChosenServers } from './ice-server-choice.ts'

/** The body of the offer by which the side that answers asks the other for an ICE restart: only the dialer makes real ones. */
export const RESTART = 'restart'
/** A device has a few addresses, each with a reflexive and a relayed candidate. More are ignored. */
const MAX_CANDIDATES = 64
/** Signals that wait while an earlier one is worked on. */
const MAX_WAITING_SIGNALS = 128
/** Consent is asked for every 5 s (RFC 7675): two silent rounds and a bit mean that the path is broken. */
const SILENCE_MS = 12_000
const LOOK_EVERY_MS = 3_000
const MAX_RESTARTS_WITHOUT_LIFE = 5
/** An answer takes a few round trips by way of the server. Where both devices move at once, an offer may go to a place that the other has left. */
const ANSWER_PATIENCE_MS = 3_000

export interface PeerSessionInit {
  /** 16 bytes in hex. */
  id: string
  /** Where signals to the other side go. */
  remote: Address
  /** Who may send signals of this session; the first answer says it where this side dials. */
  device?: DeviceKey
  isDialer: boolean
  certificate: RTCCertificate
  iceServers: () => Promise<ChosenServers>
  hostAddresses: readonly string[]
  clock: Clock
  logger: Logger | undefined
  /** Milliseconds until a connection that does not come about is given up; each restart gets as long. */
  timeoutMs: number
  send: (signal: Signal) => Promise<void>
  /** The data channel is open; before any of its messages is handed on. */
  onOpen: (session: PeerSession) => void
  onClose: (session: PeerSession, reason: unknown) => void
}

/** The negotiation of one association, from its offer until it is gone: trickle ICE, restarts, time limits. */
export class PeerSession {
  readonly id: string
  readonly remote: Address
  readonly isDialer: boolean
  readonly association: Association
  readonly #init: PeerSessionInit
  readonly #ended = new AbortController()
  #device: DeviceKey | undefined
  #work: Promise<void> = Promise.resolve()
  #waitingSignals = 0
  #candidates = 0
  #outgoing: Promise<void> = Promise.resolve()
  #isSettled = false
  #isRestarting = false
  #restartsWithoutLife = 0
  #answers = 0
  #reason: unknown

  constructor(init: PeerSessionInit) {
    this.#init = init
    this.id = init.id
    this.remote = init.remote
    this.isDialer = init.isDialer
    this.#device = init.device
    this.association = new Association({
      isDialer: init.isDialer,
      certificate: init.certificate,
      iceServers: init.iceServers,
      hostAddresses: init.hostAddresses,
      onCandidate: (candidate) => {
        const body =
          candidate === undefined ? NO_MORE_CANDIDATES : formatCandidate(candidate.candidate, candidate.ufrag)
        void this.#send('candidate', body).catch((error: unknown) => this.#note(error))
      },
      onOpen: () => this.#opened(),
      onLost: () => this.restart(),
      onClose: (reason) => this.#closed(reason),
    })
    void this.#limitTime()
  }

  /** The hellos were exchanged: from now on no time limit but those of restarts. */
  settle(): void {
    this.#isSettled = true
  }

  get device(): DeviceKey | undefined {
    return this.#device
  }

  /** Makes and sends the offer. Failure to send it is the session's end. */
  start(): void {
    this.#enqueue(() => this.#offer(false))
  }

  /** Takes in a signal of this session; from somebody else, or too many at once, it is dropped. */
  receive(signal: Signal, device: DeviceKey): void {
    // Only who got the offer knows the session, and whoever speaks first of them is the one dialled.
    if (this.#device === undefined && (signal.kind === 'answer' || signal.kind === 'end')) this.#device = device
    if (this.#device !== device || this.association.isClosed || this.#waitingSignals >= MAX_WAITING_SIGNALS) return
    this.#waitingSignals++
    this.#enqueue(async () => {
      this.#waitingSignals--
      await this.#take(signal)
    })
  }

  /** Looks for a new way between the two devices while the association lives on. */
  restart(): void {
    if (!this.association.isOpen || this.#isRestarting) return
    if (this.#restartsWithoutLife++ >= MAX_RESTARTS_WITHOUT_LIFE) {
      this.#fail(new Error('no way between the two devices was found again'))
      return
    }
    this.#isRestarting = true
    this.#init.logger?.debug({ session: this.id }, 'A WebRTC connection looks for a new way to the other device.')
    if (this.isDialer) this.#enqueue(() => this.#offer(true))
    else void this.#send('offer', RESTART).catch((error: unknown) => this.#note(error))
  }

  /** Ends it, telling the other side by signal too: what goes over a broken path arrives nowhere. */
  abort(reason: unknown, isTold: boolean): void {
    if (isTold && !this.association.isClosed) void this.#send('end', '').catch(() => undefined)
    this.#fail(reason)
  }

  async #take(signal: Signal): Promise<void> {
    switch (signal.kind) {
      case 'offer':
        if (signal.body === RESTART && this.isDialer) {
          if (this.association.isOpen && !this.#isRestarting) {
            this.#isRestarting = true
            await this.#offer(true)
          }
          return
        }
        if (this.isDialer) return
        this.#candidates = 0
        await this.#send('answer', await this.association.answer(signal.body))
        this.#gather()
        return
      case 'answer':
        if (!this.isDialer) return
        this.#candidates = 0
        this.#answers++
        await this.association.accept(signal.body)
        return
      case 'candidate':
        if (this.#candidates++ < MAX_CANDIDATES) await this.association.addCandidate(parseCandidate(signal.body))
        return
      case 'end':
        this.#fail(unreachable('The other device refused the connection or ended it.'))
    }
  }

  async #offer(isRestart: boolean): Promise<void> {
    if (isRestart) {
      void this.#offerAgainUnlessAnswered()
      // An offer gives up the way there is. Where signals do not arrive, as while the server is gone, that would be all.
      await this.#send('candidate', NO_MORE_CANDIDATES)
    }
    const offer = await this.association.offer(isRestart)
    await this.#send('offer', offer)
    this.#gather()
  }

  async #offerAgainUnlessAnswered(): Promise<void> {
    const { clock } = this.#init
    const before = this.#answers
    try {
      await clock.sleep(ANSWER_PATIENCE_MS, { signal: this.#ended.signal })
    } catch {
      return
    }
    if (this.#answers > before || !this.#isRestarting) return
    this.#isRestarting = false
    this.restart()
  }

  /** Not awaited by the negotiation: with a slow STUN server it takes seconds, and candidates go out meanwhile. */
  #gather(): void {
    this.association.gather().catch((error: unknown) => this.#fail(error))
  }

  /** One thing after the other: each step of a negotiation takes its time and none may overtake another. */
  #enqueue(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.association.isClosed) return
      try {
        await step()
      } catch (error) {
        this.#stepFailed(error)
      }
    })
  }

  /** Before it is open, what cannot be understood ends it. Afterwards it costs at most a restart. */
  #stepFailed(error: unknown): void {
    this.#note(error)
    if (!this.association.isOpen) this.abort(error, true)
  }

  /** Signals of one session keep their order, whoever sends them. */
  #send(kind: Signal['kind'], body: string): Promise<void> {
    const sent = this.#outgoing.then(() => this.#init.send({ session: this.id, kind, body }))
    this.#outgoing = sent.catch(() => undefined)
    return sent
  }

  #opened(): void {
    this.#init.onOpen(this)
    void this.#watch()
  }

  #fail(reason: unknown): void {
    if (this.#reason === undefined) this.#reason = reason
    void this.association.close(false)
  }
  #closed(reason: unknown): void {
    this.#ended.abort()
    this.#init.onClose(this, this.#reason ?? reason)
  }

  async #limitTime(): Promise<void> {
    try {
      await this.#init.clock.sleep(this.#init.timeoutMs, { signal: this.#ended.signal })
    } catch {
      return
    }
    if (!this.#isSettled) this.abort(unreachable('The other device was not reached in time.'), true)
  }

  /** Notices a path that went silent long before consent expires, after 30 s. */
  async #watch(): Promise<void> {
    const { clock } = this.#init
    let activity = -1
    let sinceMs = clock.monotonic()
    try {
      for (;;) {
        await clock.sleep(LOOK_EVERY_MS, { signal: this.#ended.signal })
        const now = clock.monotonic()
        const current = this.association.activity
        if (current !== activity && current > 0) {
          activity = current
          sinceMs = now
          this.#isRestarting = false
          this.#restartsWithoutLife = 0
        } else if (now - sinceMs >= SILENCE_MS) {
          sinceMs = now
          this.#isRestarting = false
          this.restart()
        }
      }
    } catch {
      // The session has ended.
    }
  }

  #note(error: unknown): void {
    this.#init.logger?.debug({ error, session: this.id }, 'A step of a WebRTC negotiation failed.')
  }
}

export function unreachable(message: string, cause?: unknown): DittoError {
  return new DittoError('DITTO_PEER_UNREACHABLE', message, cause === undefined ? {} : { cause })
}

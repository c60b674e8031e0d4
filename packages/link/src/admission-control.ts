/** How many connections may be open before they are authenticated, and how many knocks may fail. */
export interface AdmissionLimits {
  /** Memory runs out: about 4 KB each before TLS. */
  readonly maxStreams: number
  /** Memory and time run out: about 55 KB and 0.3 ms each. */
  readonly maxInTls: number
  readonly maxStreamsPerSource: number
  readonly failuresPerSecondPerSource: number
  /** Past it only sources without a failure are let in. */
  readonly failuresPerSecond: number
  /** Sources whose failures are remembered. */
  readonly maxSources: number
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxStreams: 64,
  maxInTls: 16,
  maxStreamsPerSource: 16,
  failuresPerSecondPerSource: 5,
  failuresPerSecond: 50,
  maxSources: 4096,
}

/** A failure is forgotten after this long. */
const MEMORY_MS = 60_000

/** Lets `perSecond` events through each second, and as many at once. */
interface Bucket {
  tokens: number
  atMs: number
}

interface Stream {
  readonly source: string
  step: 'knock' | 'queued' | 'tls'
}

export type Arrival =
  | { readonly isAdmitted: true; readonly id: number; readonly evicted: number | undefined }
  | { readonly isAdmitted: false }

/**
 * Decides who may wait before authentication. Knows numbers only: no sockets, no timers, and time and chance are
 * passed in.
 *
 * A full house never turns a newcomer away: somebody who has not yet passed the knock goes instead, at random, so
 * silent connections cannot keep a member out for longer than its next try.
 */
export class AdmissionControl {
  readonly #limits: AdmissionLimits
  readonly #streams = new Map<number, Stream>()
  /** Sources with a failure in the last minute, the longest ago first. */
  readonly #failing = new Map<string, Bucket>()
  readonly #total: Bucket
  #nextId = 0

  constructor(limits: AdmissionLimits, nowMs: number) {
    this.#limits = limits
    this.#total = { tokens: limits.failuresPerSecond, atMs: nowMs }
  }

  get streams(): number {
    return this.#streams.size
  }

  get inTls(): number {
    return [...this.#streams.values()].filter((stream) => stream.step === 'tls').length
  }

  /** @param random - from 0 to below 1 */
  arrive(source: string, nowMs: number, random: number): Arrival {
    if (this.#isFailingTooOften(source, nowMs)) return { isAdmitted: false }
    const ofSource = [...this.#streams].filter(([, stream]) => stream.source === source)
    let evicted: number | undefined
    if (ofSource.length >= this.#limits.maxStreamsPerSource) evicted = pickKnocking(ofSource, random)
    else if (this.#streams.size >= this.#limits.maxStreams) evicted = pickKnocking([...this.#streams], random)
    else return this.#admit(source, undefined)
    if (evicted === undefined) return { isAdmitted: false }
    this.#streams.delete(evicted)
    return this.#admit(source, evicted)
  }

  /**
   * The stream has passed the knock: from now on it stays.
   *
   * @returns whether there is room in TLS now; if not, try again when a stream has left
   */
  enterTls(id: number): boolean {
    const stream = this.#streams.get(id)
    if (stream === undefined) return false
    stream.step = this.inTls < this.#limits.maxInTls ? 'tls' : 'queued'
    return stream.step === 'tls'
  }

  leave(id: number): void {
    this.#streams.delete(id)
  }

  knockFailed(source: string, nowMs: number): void {
    const { failuresPerSecondPerSource, failuresPerSecond, maxSources } = this.#limits
    const bucket = this.#failing.get(source) ?? { tokens: failuresPerSecondPerSource, atMs: nowMs }
    take(bucket, failuresPerSecondPerSource, nowMs)
    take(this.#total, failuresPerSecond, nowMs)
    this.#failing.delete(source)
    this.#failing.set(source, bucket)
    for (const [oldest, { atMs }] of this.#failing) {
      if (this.#failing.size <= maxSources && nowMs - atMs < MEMORY_MS) break
      this.#failing.delete(oldest)
    }
  }

  #isFailingTooOften(source: string, nowMs: number): boolean {
    const bucket = this.#failing.get(source)
    if (bucket === undefined || nowMs - bucket.atMs >= MEMORY_MS) return false
    const { failuresPerSecondPerSource, failuresPerSecond } = this.#limits
    return (
      available(bucket, failuresPerSecondPerSource, nowMs) < 1 || available(this.#total, failuresPerSecond, nowMs) < 1
    )
  }

  #admit(source: string, evicted: number | undefined): Arrival {
    const id = this.#nextId++
    this.#streams.set(id, { source, step: 'knock' })
    return { isAdmitted: true, id, evicted }
  }
}

/** Whoever is past the knock has proved to share a secret. */
function pickKnocking(streams: readonly (readonly [number, Stream])[], random: number): number | undefined {
  const knocking = streams.filter(([, stream]) => stream.step === 'knock')
  return knocking[Math.floor(random * knocking.length)]?.[0]
}

function available(bucket: Bucket, perSecond: number, nowMs: number): number {
  return Math.min(perSecond, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond)
}

function take(bucket: Bucket, perSecond: number, nowMs: number): void {
  bucket.tokens = Math.max(0, available(bucket, perSecond, nowMs) - 1)
  bucket.atMs = nowMs
}

/** What one signaling server lets through. Memory and descriptors run out first, then time for signatures. */
export interface ServerLimits {
  /** Connections in all; each takes a file descriptor. */
  readonly maxConnections: number
  /** Connections that are not registered yet; a random one goes when there are more. */
  readonly maxUnregistered: number
  /** Per IPv4 address or IPv6 /64. */
  readonly connectionsPerAddress: number
  /** Per IPv4 address or IPv6 /64, and as many at once. */
  readonly registrationsPerSecond: number
  /** Per key, and as many at once. */
  readonly messagesPerSecond: number
  /** Per key, and as many at once. */
  readonly bytesPerSecond: number
  /** Deliveries that wait for one device to read. */
  readonly queuePerDevice: number
  /** Bytes that wait for all devices. */
  readonly maxQueuedBytes: number
  /** From the first packet to the end of a request's headers: for whoever sends nothing, or one byte a second. */
  readonly requestTimeoutMs: number
  /** From the request to the registration. */
  readonly registrationTimeoutMs: number
  /** A registered connection that was silent for this long is dead. */
  readonly silenceMs: number
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  maxConnections: 20_000,
  maxUnregistered: 1024,
  connectionsPerAddress: 200,
  registrationsPerSecond: 5,
  messagesPerSecond: 20,
  bytesPerSecond: 64 * 1024,
  queuePerDevice: 64,
  maxQueuedBytes: 64 * 1024 * 1024,
  requestTimeoutMs: 10_000,
  registrationTimeoutMs: 10_000,
  silenceMs: 90_000,
}

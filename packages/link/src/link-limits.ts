import { MAX_FRAME_BYTES } from '@dittofs/interface'

/** How long and how much one link may take. Times in milliseconds, sizes in bytes. */
export interface LinkLimits {
  /** Until the knock has succeeded. */
  readonly knockTimeoutMs: number
  /** From the knock until both have proved their keys. */
  readonly tlsTimeoutMs: number
  /** What `close` gives the peer to take what was sent. */
  readonly closeTimeoutMs: number
  /** The payload of the first frame, which must be a greeting: little memory for a peer that has not said hello. */
  readonly maxFirstFrameBytes: number
  readonly maxFrameBytes: number
  /** Sent and not yet taken by the network: from here on `send` returns `false`. */
  readonly sendBufferBytes: number
  /** A sender that heeds no `false` ends its link here. */
  readonly maxSendBufferBytes: number
  /** Received and not yet read: from here on the peer is held back. */
  readonly receiveBufferBytes: number
}

export const DEFAULT_LINK_LIMITS: LinkLimits = {
  knockTimeoutMs: 5_000,
  tlsTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
  maxFirstFrameBytes: 64 * 1024,
  maxFrameBytes: MAX_FRAME_BYTES,
  sendBufferBytes: 1024 * 1024,
  maxSendBufferBytes: 32 * 1024 * 1024,
  receiveBufferBytes: 1024 * 1024,
}

/** For transports that say they are slow. */
export const SLOW_LINK_LIMITS: LinkLimits = {
  ...DEFAULT_LINK_LIMITS,
  knockTimeoutMs: 60_000,
  tlsTimeoutMs: 60_000,
  closeTimeoutMs: 60_000,
}

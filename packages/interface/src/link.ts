import type { AbortOptions } from './common.ts'
import type { DeviceKey } from './ids.ts'

/** Which shared secret opened the knock: membership of a space, or a ticket. `name` is what the key was given as. */
export interface KnockMatch {
  readonly kind: 'space' | 'ticket'
  readonly name: string
}

/**
 * One authenticated, encrypted connection to one device, carrying frames.
 *
 * `send` never blocks: it returns `false` once the send buffer is full, and `drain` waits. What arrives is read with
 * `frames`, once; while nobody reads, the peer is held back.
 */
export interface Link {
  readonly peer: DeviceKey
  /** Name of the transport below. */
  readonly transport: string
  readonly remote: string
  readonly isInitiator: boolean
  /** The secret that was shared before the device keys were known. */
  readonly match: KnockMatch

  /**
   * Sends one frame; its payload is the parts joined, 1 to MAX_FRAME_BYTES. The parts must not change afterwards.
   *
   * @returns `false` when the buffer is full: wait for `drain` before sending more
   * @throws DittoError DITTO_CLOSED, DITTO_LINK_CUT
   */
  send(...parts: readonly Uint8Array[]): boolean
  /** Resolves when there is room to send again; rejects when the link ends. */
  drain(options?: AbortOptions): Promise<void>

  /**
   * Payloads of the frames that arrive, each owned by the reader.
   *
   * Ends when the link was closed from this side. @throws DittoError DITTO_LINK_CUT when the peer or the network cut
   * it (whether that was an end or a loss is for the session to know, by its `bye`), DITTO_LIMIT (frame too long)
   */
  frames(): AsyncIterable<Uint8Array>

  /** The same bytes on both ends and on no other connection (RFC 8446 section 7.5). */
  exportKeyingMaterial(length: number, label: string): Uint8Array

  readonly bytesSent: number
  readonly bytesReceived: number
  /** Resolves, never rejects, once the link is gone, with the reason where there is one. */
  readonly closed: Promise<Error | undefined>

  /** Sends what is buffered, then closes. */
  close(): Promise<void>
  /** Drops the connection at once. */
  abort(reason: Error): void
}

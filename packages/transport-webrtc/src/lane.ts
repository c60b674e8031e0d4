/** One association of a connection: carries whole messages in order and says when it is full, done or gone. */
export interface Lane {
  /** The longest message it takes, in bytes. */
  readonly maxMessageBytes: number
  /** Bytes handed over that are still to be put on the wire. */
  readonly queuedBytes: number
  /** Who hears of what happens. Set once, when the lane is given to a connection. */
  listener: LaneListener | undefined
  /** Drops the message where the lane is gone: its listener hears of that anyway. */
  send(message: Buffer): void
  /**
   * Ends the lane.
   *
   * @param isGraceful - first waits, for a few seconds at most, until the other side has acknowledged what was sent
   */
  close(isGraceful: boolean): Promise<void>
}

export interface LaneListener {
  onMessage(message: Buffer): void
  /** There is room again. */
  onRoom(): void
  /** The lane is gone, whoever ended it. */
  onClose(): void
}

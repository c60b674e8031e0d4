import type { DeviceKey } from '@dittofs/interface'

/**
 * Holds back what the changes of one device would make a space grow by here, past what a person has to agree to. Only
 * content that nobody asked for is counted, once for each chunk that is not here.
 */
export interface FetchGrowth {
  /**
   * So many bytes of the device's content are about to be asked for.
   *
   * @returns whether they may come; where they may not, they count as waiting
   */
  take(author: DeviceKey, bytes: number): boolean
  /** What was taken has come, or did not. @param storedBytes - 0 where it did not */
  settle(author: DeviceKey, takenBytes: number, storedBytes: number): void
  /** Content of a device waits whose chunks are not known yet. @returns whether the device's content is held back */
  waits(author: DeviceKey, bytes: number): boolean
  /** All content of the space is looked at from now on. */
  beginWalk(): void
  /** All of it was looked at: what waits has been counted. */
  endWalk(): void
  /** All content of the space is here. */
  nothingMissing(): void
}

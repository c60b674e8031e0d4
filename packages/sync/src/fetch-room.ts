/** How much of what nobody asked for may come: what the disk has beyond what is to stay free on it. */
export interface FetchRoom {
  /** Bytes that may still be asked for; 0 or less when there is no room. Asked again and again. */
  bytes(): number
  /** So many bytes were asked for. */
  take(bytes: number): void
}

/** A writer's number: the Yjs client ID of one device in one unbroken life of its store. */
export type Writer = number

/** One thing that happened, named by who wrote it and the space's Lamport clock at that moment. */
export interface Event {
  readonly writer: Writer
  readonly t: number
}

/** Entries with a time above this are ignored, so that nobody can run the clock out of safe integers. */
export const MAX_TIME = 2 ** 48

/** Later events are greater; the writer decides between equal times, the same way on every device. */
export function compareEvents(a: Event, b: Event): number {
  return a.t - b.t || a.writer - b.writer
}

import type { VolumeHandle } from '@dittofs/interface'

/**
 * Lets one PUT at a time write into a file, and nobody begin to read it through this gateway meanwhile. A body is whole
 * before it is written, so nobody waits for a network here.
 */
export class WriteGate {
  readonly #writing = new Map<VolumeHandle, Promise<void>>()

  /** Resolves when nobody writes. @returns whether somebody did */
  async whenFree(handle: VolumeHandle): Promise<boolean> {
    const hasWaited = this.#writing.has(handle)
    for (let writing = this.#writing.get(handle); writing !== undefined; writing = this.#writing.get(handle))
      await writing
    return hasWaited
  }

  async write<T>(handle: VolumeHandle, work: () => Promise<T>): Promise<T> {
    // Takes its place before anything is awaited: of two that wait, only one may go on when the way is free.
    const running = (this.#writing.get(handle) ?? Promise.resolve()).then(work)
    const ended = running.then(
      () => {},
      () => {},
    )
    this.#writing.set(handle, ended)
    try {
      return await running
    } finally {
      if (this.#writing.get(handle) === ended) this.#writing.delete(handle)
    }
  }
}

import { type FindChunkEnd, fastCdc, findBoundaryBy, findChunkEnd } from './chunker.ts'
import { gearKernel, KERNEL_BYTES } from './gear-kernel.ts'
import { SEGMENT_BUFFERS, SEGMENT_BYTES } from './worker-messages.ts'

interface SegmentBuffersInit {
  /** Has room for all buffers behind `from`. */
  memory: SharedArrayBuffer
  from: number
  findFastCdcEnd: FindChunkEnd
}

/**
 * The buffers a worker reads files into, SEGMENT_BUFFERS of SEGMENT_BYTES. Shared with the thread that stores what is in
 * them: one that was handed over is not written to until it is released. They outlive an import, whose last ones may
 * still be on their way to disk when the next begins.
 */
export class SegmentBuffers {
  /** FastCDC, at its fastest for bytes in these buffers. */
  readonly findFastCdcEnd: FindChunkEnd
  readonly #buffers: readonly Buffer[]
  readonly #free: number[]
  readonly #waiting: (() => void)[] = []

  private constructor({ memory, from, findFastCdcEnd }: SegmentBuffersInit) {
    this.findFastCdcEnd = findFastCdcEnd
    this.#buffers = Array.from({ length: SEGMENT_BUFFERS }, (_, nth) =>
      Buffer.from(memory, from + nth * SEGMENT_BYTES, SEGMENT_BYTES),
    )
    this.#free = [...this.#buffers.keys()]
  }

  /** In the memory of a kernel; plain ones where none is to be had. */
  static withKernel(): SegmentBuffers {
    try {
      const kernel = gearKernel(SEGMENT_BUFFERS * SEGMENT_BYTES)
      const findFastCdcEnd = fastCdc(findBoundaryBy(kernel))
      return new SegmentBuffers({ memory: kernel.memory, from: KERNEL_BYTES, findFastCdcEnd })
    } catch {
      return SegmentBuffers.plain()
    }
  }

  static plain(): SegmentBuffers {
    const memory = new SharedArrayBuffer(SEGMENT_BUFFERS * SEGMENT_BYTES)
    return new SegmentBuffers({ memory, from: 0, findFastCdcEnd: findChunkEnd('fastcdc') })
  }

  /** Waits for a buffer to be free. */
  async acquire(): Promise<{ readonly nth: number; readonly bytes: Buffer }> {
    while (this.#free.length === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    const nth = this.#free.pop() as number
    return { nth, bytes: this.#buffers[nth] as Buffer }
  }

  release(nth: number): void {
    this.#free.push(nth)
    this.#waiting.shift()?.()
  }
}

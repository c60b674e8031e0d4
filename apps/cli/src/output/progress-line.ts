import type { Progress } from '@dittofs/interface'
import { formatProgress } from './format-progress.ts'
import type { OutputStream } from './output.ts'

const REDRAW_MS = 100
/** The rate is that of about the last this long: it follows changes, yet can be read. */
const RATE_WINDOW_MS = 5000
const DEFAULT_COLUMNS = 80
const TO_LINE_START_AND_CLEAR = '\r\u001b[K'

/** The line at the bottom of a terminal that shows how far work has come. */
export class ProgressLine {
  readonly #terminal: OutputStream
  readonly #now: () => number
  #drawnAt = Number.NEGATIVE_INFINITY
  #isDrawn = false
  #phase: Progress['phase'] | undefined
  #samples: { at: number; bytes: number }[] = []

  /** @param now - monotonic milliseconds */
  constructor(terminal: OutputStream, now: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#now = now
  }

  readonly update = (progress: Progress): void => {
    const at = this.#now()
    if (progress.phase !== this.#phase) {
      this.#phase = progress.phase
      this.#samples = []
    } else if (at - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = at
    this.#isDrawn = true
    const rate = this.#rate(at, progress.bytesDone)
    this.#terminal.write(
      TO_LINE_START_AND_CLEAR + formatProgress(progress, rate, this.#terminal.columns ?? DEFAULT_COLUMNS),
    )
  }

  /** Removes the line. */
  end(): void {
    if (this.#isDrawn) this.#terminal.write(TO_LINE_START_AND_CLEAR)
    this.#isDrawn = false
  }

  #rate(at: number, bytes: number): number | undefined {
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > RATE_WINDOW_MS) this.#samples.shift()
    const [first] = this.#samples
    return first === undefined || at - first.at < 500 ? undefined : ((bytes - first.bytes) / (at - first.at)) * 1000
  }
}

import { renameSync, rmSync, statSync } from 'node:fs'
import { pino } from 'pino'

/** Files put aside beside the one being written. */
const KEPT_FILES = 3

export interface RotatingFileInit {
  path: string
  /** Size past which the file is put aside as `path.1`, the former `.1` as `.2`, and so on. */
  maxBytes: number
}

/**
 * A log file that stays bounded. What cannot be written (a full disk) is dropped: a log never stops a device.
 */
export class RotatingFile {
  readonly #path: string
  readonly #maxBytes: number
  readonly #file: ReturnType<typeof pino.destination>
  #bytes: number
  /** Between asking for another file and having it, the name still belongs to the former one. */
  #isReady = false
  #isClosed = false

  constructor(init: RotatingFileInit) {
    this.#path = init.path
    this.#maxBytes = init.maxBytes
    this.#bytes = statSync(init.path, { throwIfNoEntry: false })?.size ?? 0
    this.#file = pino.destination({ dest: init.path, append: true, mode: 0o600, sync: false, maxLength: init.maxBytes })
    this.#file.on('error', () => undefined)
    this.#file.on('ready', () => {
      this.#isReady = true
    })
  }

  write(line: string): void {
    if (this.#isClosed) return
    if (this.#isReady && this.#bytes > this.#maxBytes) this.#rotate()
    this.#bytes += Buffer.byteLength(line)
    this.#file.write(line)
  }

  /** Resolves when what was written has reached the system, or can never do so. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await new Promise<void>((resolve) => {
      this.#file.once('close', resolve)
      this.#file.once('error', resolve)
      this.#file.end()
    })
  }

  #rotate(): void {
    this.#bytes = 0
    try {
      rmSync(`${this.#path}.${KEPT_FILES}`, { force: true })
      for (let number = KEPT_FILES - 1; number >= 0; number--) {
        const from = number === 0 ? this.#path : `${this.#path}.${number}`
        if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${this.#path}.${number + 1}`)
      }
      this.#isReady = false
      this.#file.reopen()
    } catch {
      // Logging goes on in the file at hand; the next line past the limit tries again.
    }
  }
}

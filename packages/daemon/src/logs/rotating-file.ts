import { type FileHandle, open, rename, rm } from 'node:fs/promises'

/** Files put aside beside the one being written. */
const KEPT_FILES = 3
/** Lines that wait for a slow disk; past it new ones are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024

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
  #handle: FileHandle | undefined
  #bytes = 0
  #waiting: string[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined
  #isClosed = false

  constructor(init: RotatingFileInit) {
    this.#path = init.path
    this.#maxBytes = init.maxBytes
  }

  /** Takes a line with its end; it is written soon after. */
  write(line: string): void {
    if (this.#isClosed || this.#waitingBytes > MAX_WAITING_BYTES) return
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#writing ??= this.#writeWaiting().finally(() => {
      this.#writing = undefined
    })
  }

  /** Resolves when what was written has reached the system, or can never do so. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    await this.#handle?.close().catch(() => undefined)
    this.#handle = undefined
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.join('')
      this.#waiting = []
      this.#waitingBytes = 0
      try {
        await this.#append(lines)
      } catch {
        await this.#handle?.close().catch(() => undefined)
        this.#handle = undefined
      }
    }
  }

  async #append(lines: string): Promise<void> {
    if (this.#handle === undefined) {
      this.#handle = await open(this.#path, 'a', 0o600)
      this.#bytes = (await this.#handle.stat()).size
    }
    this.#bytes += (await this.#handle.write(lines)).bytesWritten
    if (this.#bytes > this.#maxBytes) await this.#rotate()
  }

  async #rotate(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
    await rm(`${this.#path}.${KEPT_FILES}`, { force: true })
    for (let number = KEPT_FILES - 1; number >= 0; number--) {
      const from = number === 0 ? this.#path : `${this.#path}.${number}`
      await rename(from, `${this.#path}.${number + 1}`).catch(() => undefined)
    }
  }
}

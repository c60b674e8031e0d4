import type { ServerResponse } from 'node:http'

/** Text is sent in pieces of about this size. */
const PIECE_CHARACTERS = 32 * 1024

/** Writes a body no faster than the client reads it. */
export class ResponseWriter {
  readonly #response: ServerResponse
  readonly #signal: AbortSignal
  #text = ''

  /** @param signal - aborted when the connection closes */
  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response
    this.#signal = signal
  }

  /** Returns when there is room for more. @throws the signal's reason */
  async bytes(bytes: Uint8Array): Promise<void> {
    this.#signal.throwIfAborted()
    if (this.#response.write(bytes)) return
    await new Promise<void>((resolve, reject) => {
      const onDrain = () => {
        this.#signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#response.removeListener('drain', onDrain)
        reject(this.#signal.reason)
      }
      this.#response.once('drain', onDrain)
      this.#signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async text(text: string): Promise<void> {
    this.#text += text
    if (this.#text.length >= PIECE_CHARACTERS) await this.#flush()
  }

  async end(): Promise<void> {
    // With what is left in one write: a short answer is one packet.
    const rest = Buffer.from(this.#text)
    this.#text = ''
    this.#signal.throwIfAborted()
    this.#response.end(rest)
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    if (bytes.length > 0) await this.bytes(bytes)
  }
}

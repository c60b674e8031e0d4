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

  /** Writes pieces as one, and returns when there is room for more. @throws the signal's reason */
  async pieces(pieces: readonly Uint8Array[]): Promise<void> {
    this.#signal.throwIfAborted()
    let hasRoom = true
    this.#response.cork()
    for (const piece of pieces) hasRoom = this.#response.write(piece)
    this.#response.uncork()
    if (hasRoom) return
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

  /** @returns what to wait for before more is written; `undefined`: nothing */
  text(text: string): Promise<void> | undefined {
    this.#text += text
    return this.#text.length >= PIECE_CHARACTERS ? this.#flush() : undefined
  }

  async end(): Promise<void> {
    // As text, with what is left in one write: a short answer is one string and one packet.
    const rest = this.#text
    this.#text = ''
    this.#signal.throwIfAborted()
    this.#response.end(rest)
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    if (bytes.length > 0) await this.pieces([bytes])
  }
}

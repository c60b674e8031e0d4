import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Progress } from '@dittofs/interface'
import { httpStatusOf, toControlError } from './control-error.ts'
import { type ControlLine, OUTCOME_TRAILER } from './control-lines.ts'

/**
 * The answer to one control request, written as its work goes on. The head waits for the first line, so that work that
 * fails at once answers with the HTTP status of its error.
 */
export class ControlAnswer {
  readonly #response: ServerResponse
  readonly #signal: AbortSignal

  /** @param signal - aborted when nobody reads the answer any more */
  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response
    this.#signal = signal
  }

  /** A progress line is worth nothing once there is a newer one: while the client is slow they are left out. */
  readonly progress = (progress: Progress): void => {
    if (this.#signal.aborted || this.#response.writableNeedDrain) return
    this.#head(200)
    this.#response.write(encodeLine({ progress }))
  }

  async items(items: readonly unknown[]): Promise<void> {
    this.#head(200)
    await this.#write(encodeLine({ items }))
  }

  result(result: unknown): void {
    this.#head(200)
    this.#response.end(encodeLine({ result: result ?? null }))
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    this.#bytesHead()
    if (bytes.length > 0) await this.#write(bytes)
  }

  endBytes(): void {
    this.#bytesHead()
    this.#response.addTrailers({ [OUTCOME_TRAILER]: 'done' })
    this.#response.end()
  }

  fail(reason: unknown): void {
    if (this.#response.destroyed || this.#response.writableEnded) return
    const error = toControlError(reason)
    const isBytes =
      this.#response.headersSent && this.#response.getHeader('content-type') === 'application/octet-stream'
    if (isBytes) {
      this.#response.addTrailers({ [OUTCOME_TRAILER]: encodeURIComponent(JSON.stringify(error)) })
      this.#response.end()
      return
    }
    this.#head(httpStatusOf(error.code))
    this.#response.end(encodeLine({ error }))
  }

  #head(status: number): void {
    if (this.#response.headersSent) return
    this.#response.writeHead(status, { 'content-type': 'application/x-ndjson' })
  }

  #bytesHead(): void {
    if (this.#response.headersSent) return
    this.#response.setHeader('content-type', 'application/octet-stream')
    this.#response.setHeader('trailer', OUTCOME_TRAILER)
    this.#response.writeHead(200)
  }

  async #write(data: string | Uint8Array): Promise<void> {
    this.#signal.throwIfAborted()
    if (!this.#response.write(data)) await once(this.#response, 'drain', { signal: this.#signal })
  }
}

function encodeLine(line: ControlLine): string {
  return `${JSON.stringify(line)}\n`
}

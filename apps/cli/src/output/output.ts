import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { escapeText } from './escape-text.ts'

/** A stream of this process, perhaps a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** Whoever read the output has stopped reading, as `head` does. No failure, but a reason to stop. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError'
}

export interface OutputInit {
  stdout: OutputStream
  stderr: OutputStream
  /** Whether results are JSON documents. */
  isJson: boolean
}

/** What a command says: results on stdout, everything else on stderr. */
export class Output {
  readonly isJson: boolean
  readonly #stdout: OutputStream
  readonly #stderr: OutputStream
  #failure: Error | undefined

  constructor(init: OutputInit) {
    this.isJson = init.isJson
    this.#stdout = init.stdout
    this.#stderr = init.stderr
    this.#stdout.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code === 'EPIPE' ? new OutputClosedError('nobody reads the output any more') : error
    })
    // With stderr gone there is nobody left to tell.
    this.#stderr.on('error', () => undefined)
  }

  /** Whether a person looks at both streams. */
  get isTerminal(): boolean {
    return this.#stdout.isTTY === true && this.#stderr.isTTY === true
  }

  /** The terminal on which progress may be drawn. */
  get progressTerminal(): OutputStream | undefined {
    return this.#stderr.isTTY === true ? this.#stderr : undefined
  }

  /** Prints text as it is. @throws OutputClosedError */
  async write(text: string): Promise<void> {
    this.#check()
    if (!this.#stdout.write(text)) await once(this.#stdout, 'drain').catch(() => undefined)
    this.#check()
  }

  /** Prints lines for a person; names in them are escaped by whoever put them in. */
  async lines(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.write(`${lines.join('\n')}\n`)
  }

  /** Prints the one JSON document of a command. */
  async json(value: unknown): Promise<void> {
    await this.write(`${JSON.stringify(value, null, this.#stdout.isTTY === true ? 2 : 0)}\n`)
  }

  /** Prints the result: as JSON, or the lines for a person. */
  async result(value: unknown, lines: () => readonly string[]): Promise<void> {
    if (this.isJson) await this.json(value)
    else await this.lines(lines())
  }

  /** Says something beside the result, on stderr, as one line. */
  note(text: string): void {
    this.#stderr.write(`${escapeText(text)}\n`)
  }

  /** Prints text on stderr as it is. */
  aside(text: string): void {
    this.#stderr.write(text)
  }

  /** Returns when what was printed is with the system. */
  async flush(): Promise<void> {
    for (const stream of [this.#stdout, this.#stderr]) {
      if (stream.writableLength === 0) continue
      await new Promise<void>((resolve) => {
        stream.write('', () => {
          resolve()
        })
      })
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

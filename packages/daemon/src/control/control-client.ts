import { Agent, type ClientRequest, type IncomingMessage, request as sendRequest } from 'node:http'
import { type AbortOptions, DittoError } from '@dittofs/interface'
import { fromControlError } from './control-error.ts'
import {
  CONTROL_HOST,
  CONTROL_VERSION,
  type ControlLine,
  decodeLines,
  MAX_BODY_BYTES,
  OUTCOME_TRAILER,
} from './control-lines.ts'
import type { ItemOf, ParametersOf, ResultOf, RouteName } from './control-routes.ts'

/** A daemon takes 256 connections from all its clients together; more calls of this one wait their turn. */
const MAX_CONNECTIONS = 64

/** Speaks the control API: one connection a request, so that aborting one means ending its connection. */
export class ControlClient {
  readonly #address: string
  readonly #agent = new Agent({ maxSockets: MAX_CONNECTIONS })
  readonly #open = new Set<ClientRequest>()
  #isClosed = false

  constructor(address: string) {
    this.#address = address
  }

  /**
   * @param onProgress - called with each progress line until the call ends
   * @throws the route's errors; DittoError DITTO_DAEMON_UNREACHABLE, DITTO_CLOSED
   */
  async call<Name extends RouteName<'call'>>(
    name: Name,
    parameters: ParametersOf<Name>,
    options: AbortOptions & { onProgress?: (progress: never) => void } = {},
  ): Promise<ResultOf<Name>> {
    const { signal, onProgress } = options
    for await (const line of this.#lines(name, parameters, signal)) {
      if ('result' in line) return (line.result ?? undefined) as ResultOf<Name>
      if ('progress' in line) onProgress?.(line.progress as never)
    }
    throw daemonEnded()
  }

  async *stream<Name extends RouteName<'stream'>>(
    name: Name,
    parameters: ParametersOf<Name>,
    { signal }: AbortOptions = {},
  ): AsyncGenerator<readonly ItemOf<Name>[]> {
    for await (const line of this.#lines(name, parameters, signal)) {
      if ('result' in line) return
      if ('items' in line) yield line.items as readonly ItemOf<Name>[]
    }
    throw daemonEnded()
  }

  async *bytes<Name extends RouteName<'bytes'>>(
    name: Name,
    parameters: ParametersOf<Name>,
    { signal }: AbortOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const exchange = await this.#post(name, parameters, signal)
    try {
      const { response } = exchange
      if (response.statusCode !== 200) {
        for await (const line of decodeLines(response)) throwIfError(line)
        throw daemonEnded()
      }
      yield* response as AsyncIterable<Uint8Array>
      const outcome = response.trailers[OUTCOME_TRAILER]
      if (outcome === undefined) throw daemonEnded()
      if (outcome !== 'done') throw fromControlError(JSON.parse(decodeURIComponent(outcome)))
    } catch (error) {
      throw exchange.explain(error)
    } finally {
      exchange.end()
    }
  }

  /** The JSON document at a path. */
  async get(path: string, options: AbortOptions = {}): Promise<unknown> {
    const exchange = await this.#exchange('GET', path, undefined, options.signal)
    try {
      const pieces: Uint8Array[] = []
      for await (const bytes of exchange.response as AsyncIterable<Uint8Array>) pieces.push(bytes)
      return JSON.parse(Buffer.concat(pieces).toString('utf8'))
    } catch (error) {
      throw exchange.explain(error)
    } finally {
      exchange.end()
    }
  }

  /** Ends what is running with DITTO_CLOSED and refuses the rest. The daemon goes on. */
  close(): void {
    this.#isClosed = true
    for (const request of this.#open) request.destroy(closedError())
  }

  async *#lines(name: string, parameters: object, signal: AbortSignal | undefined): AsyncGenerator<ControlLine> {
    const exchange = await this.#post(name, parameters, signal)
    try {
      for await (const line of decodeLines(exchange.response)) {
        throwIfError(line)
        yield line
      }
    } catch (error) {
      throw exchange.explain(error)
    } finally {
      exchange.end()
    }
  }

  #post(name: string, parameters: object, signal: AbortSignal | undefined): Promise<Exchange> {
    const body = Buffer.from(JSON.stringify(parameters))
    if (body.length > MAX_BODY_BYTES) {
      throw new DittoError('DITTO_LIMIT', `A request is at most ${MAX_BODY_BYTES} bytes long; divide the work.`)
    }
    return this.#exchange('POST', `/v${CONTROL_VERSION}/${name}`, body, signal)
  }

  async #exchange(
    method: string,
    path: string,
    body: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Exchange> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw closedError()
    const headers = body && { 'content-type': 'application/json', 'content-length': body.length }
    const request = sendRequest({
      socketPath: this.#address,
      method,
      path,
      agent: this.#agent,
      headers: { host: CONTROL_HOST, ...headers },
    })
    this.#open.add(request)
    const abort = () => request.destroy()
    signal?.addEventListener('abort', abort)
    const explain = (error: unknown) => {
      if (signal?.aborted === true) return signal.reason as unknown
      return this.#isClosed ? closedError() : explainConnection(error)
    }
    const end = () => {
      signal?.removeEventListener('abort', abort)
      this.#open.delete(request)
      request.destroy()
    }
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request.once('response', resolve)
        // Stays for good: an error after the answer began is told by the answer itself.
        request.on('error', reject)
        request.end(body)
      })
      return { response, explain, end }
    } catch (error) {
      end()
      throw explain(error)
    }
  }
}

interface Exchange {
  readonly response: IncomingMessage
  /** What an error while reading the answer means. */
  readonly explain: (error: unknown) => unknown
  /** Gives up what is left of the answer. */
  readonly end: () => void
}

function throwIfError(line: ControlLine): void {
  if ('error' in line) throw fromControlError(line.error)
}

function explainConnection(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new DittoError(
        'DITTO_DAEMON_UNREACHABLE',
        'No daemon runs for this home; start one with "dittofs daemon".',
        {
          cause: error,
        },
      )
    case 'ECONNRESET':
    case 'EPIPE':
      return daemonEnded(error)
    case 'EACCES':
    case 'EPERM':
      return new DittoError('DITTO_PERMISSION', 'The control socket of the daemon may not be opened by this user.', {
        cause: error,
      })
    default:
      return error
  }
}

function daemonEnded(cause?: unknown): DittoError {
  return new DittoError('DITTO_DAEMON_UNREACHABLE', 'The daemon ended before it had answered; its log may say why.', {
    cause,
  })
}

function closedError(): DittoError {
  return new DittoError('DITTO_CLOSED', 'This connection to the daemon was closed.')
}

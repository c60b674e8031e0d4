import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Device, DittoError, type Logger } from '@dittofs/interface'
import * as v from 'valibot'
import { prepareControlAddress } from './control-address.ts'
import { ControlAnswer } from './control-answer.ts'
import { CONTROL_HOST, CONTROL_VERSION } from './control-lines.ts'
import { CONTROL_ROUTES } from './control-routes.ts'
import { readBody } from './read-body.ts'

/** Each connection costs a file descriptor and some 20 KB; a person and a page need a handful. */
const MAX_CONNECTIONS = 256
const MAX_HEADER_BYTES = 16 * 1024
/** A local client sends its request at once; one that does not is broken. */
const REQUEST_TIMEOUT_MS = 10_000
/** Entries in one line of a stream. */
const MAX_ITEMS_PER_LINE = 500
/** `localhost` is what people give to `curl --unix-socket`. */
const HOSTS: readonly (string | undefined)[] = [CONTROL_HOST, 'localhost']

export interface ServeControlInit {
  device: Device
  /** The home's `run` directory. The caller holds the home's lock. */
  run: string
  /** What `GET /metrics` answers: Prometheus text. */
  metrics: () => Promise<string>
  logger: Logger
  environment?: NodeJS.ProcessEnv
}

export interface ControlServer {
  /** The socket's path, or the pipe's name. */
  readonly address: string
  /** Stops accepting, aborts what is running with DITTO_CLOSED, and returns when all of it has ended. Idempotent. */
  close(): Promise<void>
}

/**
 * Offers a device to other processes of the same user, over a UNIX socket that nobody else can open.
 *
 * Requests are `POST /v1/METHOD` (see {@link CONTROL_ROUTES}), `GET /health` and `GET /metrics`.
 *
 * @throws DittoError DITTO_HOME_UNSAFE, DITTO_IO
 */
export async function serveControl(init: ServeControlInit): Promise<ControlServer> {
  const address = await prepareControlAddress(init)
  const running = new Map<Promise<void>, AbortController>()
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 2,
    },
    (request, response) => {
      const controller = new AbortController()
      // Also comes after a complete answer, where it finds nothing left to abort.
      response.once('close', () => {
        controller.abort(new DittoError('DITTO_CLOSED', 'The client went away.'))
      })
      const work = answer(init, request, response, controller.signal).finally(() => running.delete(work))
      running.set(work, controller)
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  await listenPrivately(server, address)
  init.logger.debug({ address }, 'The control socket is open.')

  let closing: Promise<void> | undefined
  const close = async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve()
      })
    })
    for (const controller of running.values()) {
      controller.abort(new DittoError('DITTO_CLOSED', 'The daemon was stopped before it was done.'))
    }
    await Promise.all(running.keys())
    server.closeIdleConnections()
    await closed
  }
  return { address, close: () => (closing ??= close()) }
}

/** The socket's mode is set by the mask of the moment in which it is made; afterwards would be too late. */
async function listenPrivately(server: Server, address: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new DittoError('DITTO_IO', `Cannot listen at ${JSON.stringify(address)}: ${cause.message}.`, { cause }))
    })
    const mask = process.umask(0o177)
    try {
      server.listen(address, resolve)
    } finally {
      process.umask(mask)
    }
  })
}

async function answer(
  init: ServeControlInit,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const reply = new ControlAnswer(response, signal)
  // A connection serves one request, so that a client's abort is the end of its connection and of nothing else.
  response.setHeader('connection', 'close')
  response.setHeader('cache-control', 'no-store')
  try {
    refuseForeign(request)
    if (request.method === 'GET') await answerGet(init, request, response)
    else await answerCall(init, request, reply, signal)
  } catch (error) {
    if (!(error instanceof DittoError) && !signal.aborted) {
      init.logger.error({ error, url: request.url }, 'A control request failed unexpectedly.')
    }
    // What is aborted fails with whatever was in the way; the reason of the abort says more.
    reply.fail(signal.aborted ? signal.reason : error)
  }
}

/** A browser can be made to send requests to a forwarded socket; it always says on whose behalf. */
function refuseForeign(request: IncomingMessage): void {
  const hosts = request.headersDistinct.host ?? []
  if (hosts.length !== 1 || !HOSTS.includes(hosts[0]) || request.headers.origin !== undefined) {
    throw new DittoError('DITTO_USAGE', `The control API is spoken to as host "${CONTROL_HOST}" and without an origin.`)
  }
}

async function answerGet(init: ServeControlInit, request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (request.url) {
    case '/health': {
      const health = { status: 'ok', version: CONTROL_VERSION, pid: process.pid, device: { id: init.device.id } }
      response.setHeader('content-type', 'application/json')
      response.end(`${JSON.stringify(health)}\n`)
      return
    }
    case '/metrics': {
      const metrics = await init.metrics()
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      response.end(metrics)
      return
    }
    default:
      throw noSuchRoute(request)
  }
}

async function answerCall(
  init: ServeControlInit,
  request: IncomingMessage,
  reply: ControlAnswer,
  signal: AbortSignal,
): Promise<void> {
  const prefix = `/v${CONTROL_VERSION}/`
  const name = request.url?.startsWith(prefix) ? request.url.slice(prefix.length) : ''
  if (request.method !== 'POST' || !Object.hasOwn(CONTROL_ROUTES, name)) throw noSuchRoute(request)
  if (request.headers['content-type'] !== 'application/json') {
    throw new DittoError('DITTO_USAGE', 'A request to the control API is of type application/json.')
  }
  const route = CONTROL_ROUTES[name as keyof typeof CONTROL_ROUTES]
  const parsed = v.safeParse(route.parameters, await readBody(request))
  if (!parsed.success) {
    const [issue] = parsed.issues
    const where = v.getDotPath(issue) ?? 'the parameters'
    throw new DittoError('DITTO_USAGE', `The request "${name}" is not well-formed: ${where}: ${issue.message}.`)
  }
  // Safe: `parsed.output` is what this very route's schema gave.
  const run = route.run as (device: Device, parameters: unknown, context: unknown) => unknown
  const work = run(init.device, parsed.output, { signal, onProgress: reply.progress })
  switch (route.kind) {
    case 'call':
      reply.result(await work)
      return
    case 'stream':
      for await (const items of work as AsyncIterable<readonly unknown[]>) {
        if (items.length === 0) await reply.items(items)
        for (let at = 0; at < items.length; at += MAX_ITEMS_PER_LINE) {
          await reply.items(items.slice(at, at + MAX_ITEMS_PER_LINE))
        }
      }
      reply.result(null)
      return
    case 'bytes':
      for await (const bytes of work as AsyncIterable<Uint8Array>) await reply.bytes(bytes)
      reply.endBytes()
  }
}

function noSuchRoute(request: IncomingMessage): DittoError {
  return new DittoError(
    'DITTO_NOT_FOUND',
    `The control API has no ${request.method ?? ''} ${JSON.stringify(request.url)}; is the daemon of another version?`,
  )
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { plainAddress } from '@dittofs/interface'
import { type AuthenticationPolicy, authenticate } from './authenticate.ts'
import { entityTag } from './entity-tag.ts'
import { toHttpError } from './error-status.ts'
import { evaluateIf, type ResourceState } from './evaluate-if.ts'
import { type Exchange, type GatewayState, reply } from './exchange.ts'
import type { FailureLimit } from './failure-limit.ts'
import { checkHost } from './host-check.ts'
import { HttpError } from './http-error.ts'
import { copy, move } from './methods/copy-move.ts'
import { remove } from './methods/delete.ts'
import { get } from './methods/get.ts'
import { lock } from './methods/lock.ts'
import { mkcol } from './methods/mkcol.ts'
import { allowedMethods, options } from './methods/options.ts'
import { propfind } from './methods/propfind.ts'
import { proppatch } from './methods/proppatch.ts'
import { put } from './methods/put.ts'
import { unlock } from './methods/unlock.ts'
import { parseIfHeader, submittedTokens } from './parse-if-header.ts'
import { expectBody } from './request-body.ts'
import { parseRequestPath, type RequestPath } from './request-path.ts'
import { findResource } from './resource.ts'
import { sendError } from './send-error.ts'
import type { ServedVolume } from './served-volume.ts'

const METHODS: Readonly<Record<string, (exchange: Exchange) => Promise<void>>> = {
  OPTIONS: options,
  GET: get,
  HEAD: get,
  PROPFIND: propfind,
  PUT: put,
  DELETE: remove,
  MKCOL: mkcol,
  COPY: copy,
  MOVE: move,
  PROPPATCH: proppatch,
  LOCK: lock,
  UNLOCK: unlock,
}

/** How requests are let in. */
export interface Admission {
  readonly policy: AuthenticationPolicy
  readonly failures: FailureLimit
  readonly hostNames: readonly string[]
}

/**
 * Answers one request: lets it in, finds what it names, runs its method, and tells of whatever went wrong. Never rejects.
 *
 * @param signal - aborted when the connection closes, or the gateway stops
 */
export async function handleRequest(
  state: GatewayState,
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    expectBody(request, response)
    await run(await openExchange(state, admission, request, response, signal))
  } catch (error) {
    const answer = toHttpError(error)
    if (answer.status === 500 && !signal.aborted && !request.socket.destroyed) {
      state.logger.error({ error, method: request.method, url: request.url }, 'A WebDAV request failed.')
    }
    sendError(request, response, answer)
  }
}

async function openExchange(
  state: GatewayState,
  { policy, failures, hostNames }: Admission,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<Exchange> {
  const address = plainAddress(request.socket.remoteAddress ?? '')
  const { name: principal } = await authenticate(request, address, policy, failures)
  checkHost(request.headers, { isAuthenticated: principal !== undefined, hostNames })
  const method = request.method ?? ''
  const path = targetOf(request)
  const served = servedAt(state, path, method, address)
  const header = request.headers.if
  const lists = header === undefined ? [] : parseIfHeader(String(header))
  const holder = { principal: principal ?? '', tokens: submittedTokens(lists) }
  const client = `${principal ?? ''} ${address}`
  if (lists.length > 0) {
    const stateOf = (of: RequestPath) => stateAt(state, of, address)
    const holds = await evaluateIf(lists, { requestPath: path, host: request.headers.host, stateOf })
    if (!holds) throw new HttpError(412, 'What the If header of the request says does not hold.')
  }
  return { state, request, response, method, path, served, client, address, holder, signal }
}

async function run(exchange: Exchange): Promise<void> {
  const method = Object.hasOwn(METHODS, exchange.method) ? METHODS[exchange.method] : undefined
  if (method === undefined) {
    const Allow = allowedMethods(exchange.served?.isReadOnly ?? true)
    return reply(exchange, 405, { Allow }, 'This method is not understood.\n')
  }
  await method(exchange)
}

/** What a request line names: mostly a path; `*` for the server; a whole URL as proxies send it. */
function targetOf(request: IncomingMessage): RequestPath {
  const url = request.url ?? ''
  if (url === '*' && request.method === 'OPTIONS') return { exportName: undefined, names: [] }
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(url)
  return parseRequestPath(absolute === null ? url : absolute[1] || '/')
}

/** @throws HttpError 403 or 404 */
function servedAt(state: GatewayState, path: RequestPath, method: string, address: string): ServedVolume | undefined {
  if (path.exportName === undefined) return undefined
  const served = state.exports.get(path.exportName)
  if (served === undefined) {
    const isMaking = method === 'PUT' || method === 'MKCOL' || method === 'LOCK'
    throw new HttpError(isMaking ? 403 : 404, 'No space of that name is served.')
  }
  if (!served.isAllowed(address)) throw new HttpError(403, 'This space may not be used from here.')
  return served
}

async function stateAt(state: GatewayState, path: RequestPath, address: string): Promise<ResourceState> {
  const tokens = new Set(state.locks.covering(path).map((one) => one.token))
  const served = path.exportName === undefined ? undefined : state.exports.get(path.exportName)
  if (served?.isAllowed(address) !== true) return { etag: undefined, tokens }
  const { entry } = await findResource(served, path)
  return { etag: entry === undefined ? undefined : entityTag(entry.attributes), tokens }
}

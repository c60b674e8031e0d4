import { isStrongMatch } from './entity-tag.ts'
import { HttpError } from './http-error.ts'
import { parseDestination } from './parse-destination.ts'
import type { IfList } from './parse-if-header.ts'
import { formatHref, type RequestPath } from './request-path.ts'

/** What the conditions of an `If` header are compared with. */
export interface ResourceState {
  /** `undefined`: nothing is there. */
  readonly etag: string | undefined
  /** Tokens of the locks it is under. */
  readonly tokens: ReadonlySet<string>
}

interface EvaluateIfOptions {
  readonly requestPath: RequestPath
  readonly host: string | undefined
  readonly stateOf: (path: RequestPath) => Promise<ResourceState>
}

const NOTHING: ResourceState = { etag: undefined, tokens: new Set() }

/** Whether one of the lists holds in full (RFC 4918 10.4.4). A list about another server never does. */
export async function evaluateIf(lists: readonly IfList[], options: EvaluateIfOptions): Promise<boolean> {
  const states = new Map<string, ResourceState>()
  const stateOf = async (resource: string | undefined): Promise<ResourceState> => {
    const path = resource === undefined ? options.requestPath : pathOf(resource, options.host)
    if (path === undefined) return NOTHING
    const key = formatHref(path, false)
    const state = states.get(key) ?? (await options.stateOf(path))
    states.set(key, state)
    return state
  }
  for (const { resource, conditions } of lists) {
    const state = await stateOf(resource)
    const holds = conditions.every((condition) => {
      const has =
        condition.kind === 'token'
          ? state.tokens.has(condition.token)
          : state.etag !== undefined && isStrongMatch(state.etag, condition.etag)
      return has !== condition.isNot
    })
    if (holds) return true
  }
  return false
}

function pathOf(resource: string, host: string | undefined): RequestPath | undefined {
  try {
    return parseDestination(resource, host)
  } catch (error) {
    if (error instanceof HttpError && error.status === 400) throw error
    return undefined
  }
}

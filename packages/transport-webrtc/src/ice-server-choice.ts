import type { AbortOptions, Clock } from '@dittofs/interface'
import type { IceEndpoint } from './ice-servers.ts'

/** How long a server that answers, or the fact that none does, is remembered. */
const REMEMBERED_MS = 5 * 60_000
const SILENCE_REMEMBERED_MS = 30_000
/** A server across the world answers within half a second, and TLS takes two more round trips. */
const PATIENCE_MS = 2_000
/** Once one has answered, how long those before it in the list have left. */
const HEAD_START_MS = 250

/** The servers to be used for a connection: werift speaks to one of each kind. */
export interface ChosenServers {
  readonly stun: IceEndpoint | undefined
  readonly turn: IceEndpoint | undefined
}

export interface IceServerChoiceInit {
  clock: Clock
  /** Whether a server answers; never rejects. Its signal is aborted when nobody waits any more. */
  probe: (server: IceEndpoint, options: Required<AbortOptions>) => Promise<boolean>
}

interface Remembered {
  readonly servers: string
  readonly choice: Promise<IceEndpoint | undefined>
  /** Of the monotonic clock; `undefined` while they are asked. */
  until: number | undefined
}

/**
 * Of several STUN servers, and of several TURN servers, the first in their order that answers. All are asked at once; a
 * single one needs not be asked. Where none answers it is the first: the network may be back when it is needed.
 */
export class IceServerChoice {
  readonly #init: IceServerChoiceInit
  readonly #remembered = new Map<IceEndpoint['kind'], Remembered>()

  constructor(init: IceServerChoiceInit) {
    this.#init = init
  }

  async choose(endpoints: readonly IceEndpoint[]): Promise<ChosenServers> {
    const of = (kind: IceEndpoint['kind']) =>
      this.#chooseOf(
        kind,
        endpoints.filter((endpoint) => endpoint.kind === kind),
      )
    const [stun, turn] = await Promise.all([of('stun'), of('turn')])
    return { stun, turn }
  }

  /** The network is another one: who answered says nothing any more. */
  forget(): void {
    this.#remembered.clear()
  }

  async #chooseOf(kind: IceEndpoint['kind'], endpoints: readonly IceEndpoint[]): Promise<IceEndpoint | undefined> {
    if (endpoints.length <= 1) return endpoints[0]
    const servers = JSON.stringify(endpoints)
    const known = this.#remembered.get(kind)
    const { clock } = this.#init
    if (known?.servers === servers && (known.until === undefined || clock.monotonic() < known.until)) {
      return (await known.choice) ?? endpoints[0]
    }
    const asked: Remembered = { servers, choice: this.#firstToAnswer(endpoints), until: undefined }
    this.#remembered.set(kind, asked)
    const answering = await asked.choice
    asked.until = clock.monotonic() + (answering === undefined ? SILENCE_REMEMBERED_MS : REMEMBERED_MS)
    return answering ?? endpoints[0]
  }

  async #firstToAnswer(endpoints: readonly IceEndpoint[]): Promise<IceEndpoint | undefined> {
    const { clock, probe } = this.#init
    const over = new AbortController()
    const options = { signal: over.signal }
    const endAfter = (delayMs: number) =>
      clock.sleep(delayMs, options).then(
        () => over.abort(),
        () => undefined,
      )
    void endAfter(PATIENCE_MS)
    const probes = endpoints.map(async (endpoint) => {
      const isThere = await probe(endpoint, options)
      if (isThere) void endAfter(HEAD_START_MS)
      return isThere
    })
    for (const [index, endpoint] of endpoints.entries()) {
      if (await probes[index]) {
        over.abort()
        return endpoint
      }
    }
    over.abort()
    return undefined
  }
}

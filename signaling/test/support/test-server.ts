import type { Logger } from '@dittofs/interface'
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from '../../src/server-limits.ts'
import { type RunningServer, type StartServerInit, startServer } from '../../src/start-server.ts'

export interface TestServer extends RunningServer {
  readonly origin: string
  readonly url: string
  /** What it logged, as JSON. */
  readonly logged: string[]
}

export interface TestServerInit extends Partial<Omit<StartServerInit, 'limits'>> {
  limits?: Partial<ServerLimits>
}

export async function testServer(init: TestServerInit = {}): Promise<TestServer> {
  const logged: string[] = []
  const log = (fields: object, message: string) => void logged.push(JSON.stringify({ ...fields, message }))
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    origins: [],
    trustedProxies: [],
    logger,
    ...init,
    limits: { ...DEFAULT_SERVER_LIMITS, registrationsPerSecond: 1000, ...init.limits },
  })
  return {
    logged,
    port: server.port,
    origin: `ws://127.0.0.1:${server.port}`,
    url: `http://127.0.0.1:${server.port}`,
    close: () => server.close(),
  }
}

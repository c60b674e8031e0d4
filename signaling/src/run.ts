import { isDittoError, type Logger } from '@dittofs/interface'
import { parseOptions } from './parse-options.ts'
import { redisBus } from './redis-bus.ts'
import { serverLogger } from './server-logger.ts'
import { type RunningServer, startServer } from './start-server.ts'

export interface RunInit {
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly version: string
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal
  /** How many files the process may have open, where that is known. */
  readonly maxOpenFiles: number | undefined
}

/** @returns the exit status: 0 when it was asked to end, 1 when it cannot run, 2 for a wrong option */
export async function run(init: RunInit): Promise<0 | 1 | 2> {
  const parsed = parseOptions(init.args, init.environment, init.version)
  if (!('options' in parsed)) {
    ;(parsed.exitCode === 0 ? init.stdout : init.stderr).write(parsed.text)
    return parsed.exitCode
  }
  const { bus: url, logLevel, ...options } = parsed.options
  const logger = serverLogger(logLevel)
  warnOfDescriptors(options.limits.maxConnections, init.maxOpenFiles, logger)
  let server: RunningServer
  try {
    const bus = url === undefined ? undefined : await redisBus({ url, logger })
    server = await startServer({ ...options, logger, ...(bus !== undefined && { bus }) })
  } catch (error) {
    if (!isDittoError(error)) throw error
    init.stderr.write(`error: ${error.message}\n`)
    return 1
  }
  logger.info({ event: 'server:listen', host: options.host, port: server.port }, 'Listening.')
  if (!init.signal.aborted) {
    await new Promise((resolve) => init.signal.addEventListener('abort', resolve, { once: true }))
  }
  logger.info({ event: 'server:stop' }, 'Stopping: devices are sent away.')
  await server.close()
  return 0
}

/** Connections that cannot be accepted fail without a word, so it is said beforehand. */
function warnOfDescriptors(maxConnections: number, maxOpenFiles: number | undefined, logger: Logger): void {
  if (maxOpenFiles === undefined || maxOpenFiles >= maxConnections + 100) return
  logger.warn(
    { event: 'server:descriptors', maxOpenFiles, maxConnections },
    'This process may open fewer files than it may take connections: raise the limit (ulimit -n), or lower --max-connections.',
  )
}

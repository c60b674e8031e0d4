import type { Logger } from '@dittofs/interface'
import { pino } from 'pino'
import type { LogLevel } from '../config/config-schema.ts'
import { RotatingFile } from './rotating-file.ts'

export interface LoggerInit {
  /** The log file; its older parts stand beside it. */
  file: string
  maxBytes: number
  level: LogLevel
  /** Also logs to the standard error stream, from this level on. */
  stderr?: LogLevel
}

export interface DeviceLogger extends Logger {
  /** Writes what is buffered. */
  close(): Promise<void>
}

/** Fields that hold a secret wherever they stand: nothing logs them on purpose, and this is the second line. */
const SECRET_FIELDS = ['ticket', 'secret', 'meet', 'privateKey', 'seed', 'token', 'authorization']

/**
 * Structured logs, one JSON object a line, in the home's `logs/`.
 *
 * @see docs/configuration.md `log_level`, `log_bytes`
 */
export function createLogger(init: LoggerInit): DeviceLogger {
  const file = new RotatingFile({ path: init.file, maxBytes: init.maxBytes })
  const streams: pino.StreamEntry[] = []
  if (init.level !== 'silent') streams.push({ level: init.level, stream: file })
  if (init.stderr !== undefined && init.stderr !== 'silent')
    streams.push({ level: init.stderr, stream: process.stderr })
  const sink = pino(
    {
      level: streams.length === 0 ? 'silent' : 'debug',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
      serializers: { error: pino.stdSerializers.err },
    },
    pino.multistream(streams),
  )
  return {
    debug: (fields, message) => sink.debug(fields, message),
    info: (fields, message) => sink.info(fields, message),
    warn: (fields, message) => sink.warn(fields, message),
    error: (fields, message) => sink.error(fields, message),
    close: () => file.close(),
  }
}

import path from 'node:path'
import type { Logger } from '@dittofs/interface'
import type { Config } from '../config/config-schema.ts'
import type { DeviceInit } from '../device-init.ts'
import { createLogger, type DeviceLogger } from './create-logger.ts'

/** The logger that a run was given, or one that writes to files in `directory`. */
export function openLogger(init: DeviceInit, config: Config, directory: string): DeviceLogger {
  if (init.logger !== undefined) return { ...methodsOf(init.logger), close: async () => undefined }
  return createLogger({
    file: path.join(directory, 'dittofs.log'),
    maxBytes: config.log_bytes,
    level: config.log_level,
    ...(init.stderrLevel !== undefined && { stderr: init.stderrLevel }),
  })
}

function methodsOf(logger: Logger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  }
}

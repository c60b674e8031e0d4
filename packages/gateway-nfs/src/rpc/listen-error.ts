import { DittoError } from '@dittofs/interface'

/** What it means that an address cannot be listened at: DITTO_PORT_IN_USE, DITTO_PERMISSION or DITTO_IO. */
export function listenError(cause: NodeJS.ErrnoException, host: string, port: number): DittoError {
  const details = { host, port }
  if (cause.code === 'EADDRINUSE') {
    return new DittoError('DITTO_PORT_IN_USE', `Port ${port} of ${host} is in use; choose another one.`, {
      cause,
      details,
    })
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new DittoError('DITTO_PERMISSION', `This user may not listen on port ${port} of ${host}.`, {
      cause,
      details,
    })
  }
  return new DittoError('DITTO_IO', `Nothing can listen on port ${port} of ${host}: ${cause.message}.`, {
    cause,
    details,
  })
}

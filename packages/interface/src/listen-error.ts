import { DittoError } from './errors.ts'

/** What it says where the host is no address, or not one of this machine. */
const NOT_OF_THIS_MACHINE: readonly (string | undefined)[] = ['EADDRNOTAVAIL', 'ENOTFOUND']

/** What it means that a gateway cannot listen at an address: DITTO_PORT_IN_USE, _PERMISSION, _CONFIG_INVALID or _IO. */
export function listenError(cause: Error & { readonly code?: string }, host: string, port: number): DittoError {
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
  if (NOT_OF_THIS_MACHINE.includes(cause.code)) {
    return new DittoError('DITTO_CONFIG_INVALID', `${host} is no address of this machine.`, { cause, details })
  }
  return new DittoError('DITTO_IO', `Nothing can listen on port ${port} of ${host}: ${cause.message}.`, {
    cause,
    details,
  })
}

import type { BigIntStats } from 'node:fs'
import { DittoError } from '@dittofs/interface'
import type { FileFault } from './worker-messages.ts'

/** Whether a file is, as far as its stamps say, what it was before it was read. */
export function isUnchanged(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ino === after.ino
}

export function systemFault(error: unknown): FileFault {
  const { code = 'EIO', message } = error as NodeJS.ErrnoException
  return { kind: 'system', code, message }
}

/** What whoever asked for a file is told of its fault: of one that was skipped, the reason of its signal. */
export function faultError(
  { path, signal }: { readonly path: string; readonly signal?: AbortSignal | undefined },
  fault: FileFault,
): unknown {
  if (fault.kind === 'skipped') return signal?.reason ?? new DittoError('DITTO_CLOSED', 'The chunk store was closed.')
  if (fault.kind === 'changed') {
    return new DittoError('DITTO_FILE_CHANGED', `The file ${path} changed while it was read; add it again.`)
  }
  const { code = '', message = '' } = fault
  const cause = new Error(message)
  if (fault.kind === 'irregular' || code === 'ELOOP' || code === 'ENXIO' || code === 'EMLINK') {
    return new DittoError('DITTO_UNSUPPORTED', `${path} is no regular file.`)
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new DittoError('DITTO_NOT_FOUND', `There is no file at ${path}.`, { cause })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new DittoError('DITTO_PERMISSION', `The file ${path} may not be read; check its owner and mode.`, { cause })
  }
  return new DittoError('DITTO_IO', `The file ${path} cannot be read (${code}).`, { cause })
}

import { link } from 'node:fs/promises'
import { DittoError } from '@dittofs/interface'
import { shownPath } from './path-on-disk.ts'
import { systemErrorName } from './system-error.ts'

/** @returns whether the link was made; `false` where the file system makes none */
export async function tryLink(from: string, to: string, names: readonly string[]): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    const name = systemErrorName(error)
    if (name === 'EEXIST') throw taken(names)
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(name ?? '')) return false
    throw error
  }
}

export function taken(names: readonly string[]): DittoError {
  return new DittoError('DITTO_EXISTS', `Something is at ${shownPath(names)} already.`)
}

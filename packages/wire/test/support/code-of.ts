import { isDittoError } from '@dittofs/interface'

/** The code of the error that something throws; what else it throws as text; `undefined` where it throws nothing. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    return isDittoError(error) ? error.code : String(error)
  }
  return undefined
}

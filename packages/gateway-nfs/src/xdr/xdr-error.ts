import { DittoError } from '@dittofs/interface'

/** Bytes that are not the XDR value wanted. A class of its own, for RPC answers it with GARBAGE_ARGS. */
export class XdrError extends DittoError {
  constructor(message: string) {
    super('DITTO_PROTOCOL', message)
    this.name = 'XdrError'
  }
}

import { DittoError } from '@dittofs/interface'
import { fromWireCode, type Message } from '@dittofs/wire'

/** Why a peer ended the session; `undefined` where it had nothing more to say. */
export function peersReason({ code: number }: Extract<Message, { type: 'bye' }>): DittoError | undefined {
  const code = fromWireCode(number)
  if (code === undefined) return undefined
  return new DittoError(code, 'The peer ended the session.', { details: { isPeersReason: true } })
}

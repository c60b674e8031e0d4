import type { Address, Listener, Transport } from '@dittofs/interface'

/**
 * Where this device listens.
 *
 * @param listeners - by the name of their transport
 * @param kind - `place`: addresses that tell where in its networks it is; `served`: those that are a server's, and come
 *   and go with it; `lasting`: all but those that are others every few minutes
 * @returns each transport's in its order
 */
export function listeningAddresses(
  listeners: ReadonlyMap<string, Listener>,
  transports: ReadonlyMap<string, Transport>,
  kind: 'place' | 'served' | 'lasting',
): readonly Address[] {
  const isWanted = (name: string) => {
    const { hasServedAddresses = false, hasFleetingAddresses = false } = transports.get(name)?.capabilities ?? {}
    if (kind === 'served') return hasServedAddresses
    return !hasFleetingAddresses && (kind === 'lasting' || !hasServedAddresses)
  }
  return [...listeners].filter(([name]) => isWanted(name)).flatMap(([, listener]) => listener.addresses())
}

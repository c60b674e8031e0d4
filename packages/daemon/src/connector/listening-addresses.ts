import type { Address, Listener, Transport } from '@dittofs/interface'

/**
 * Where this device listens.
 *
 * @param listeners - by the name of their transport
 * @param kind - `place`: addresses that tell where in its networks it is; `served`: those that are a server's, and come
 *   and go with it
 * @returns sorted
 */
export function listeningAddresses(
  listeners: ReadonlyMap<string, Listener>,
  transports: ReadonlyMap<string, Transport>,
  kind: 'place' | 'served',
): readonly Address[] {
  return [...listeners]
    .filter(([name]) => (transports.get(name)?.capabilities.hasServedAddresses === true) === (kind === 'served'))
    .flatMap(([, listener]) => listener.addresses())
    .sort()
}

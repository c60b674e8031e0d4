import type { Gateways, ServeOptions } from '@dittofs/interface'
import type { ControlClient } from './control-client.ts'

/** The gateways of a running daemon. */
export function connectedGateways(client: ControlClient): Gateways {
  return {
    serve: (protocol, options = {}) => client.stream('serveGateway', { ...parametersOf(options), protocol }, options),
    keep: (protocol, options = {}) => client.call('keepGateway', { ...parametersOf(options), protocol }, options),
    stop: (id) => client.call('stopGateway', { id }),
    list: () => client.call('gateways', {}),
  }
}

function parametersOf({ signal: _signal, allowedAddresses, ...parameters }: ServeOptions) {
  return { ...parameters, ...(allowedAddresses !== undefined && { allowedAddresses: [...allowedAddresses] }) }
}

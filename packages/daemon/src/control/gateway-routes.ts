import { GATEWAY_PROTOCOLS, type GatewayInfo } from '@dittofs/interface'
import * as v from 'valibot'
import { flag, localPath, space, text } from './parameters.ts'
import { call, stream } from './route.ts'

const asked = {
  protocol: v.picklist(GATEWAY_PROTOCOLS),
  space,
  host: v.exactOptional(text),
  port: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535))),
  isReadOnly: flag,
  allowedAddresses: v.exactOptional(v.pipe(v.array(text), v.maxLength(1000))),
  passwordFile: v.exactOptional(localPath),
  tlsKey: v.exactOptional(localPath),
  tlsCertificate: v.exactOptional(localPath),
}

/** What the control API offers of `Device.gateways`. */
export const GATEWAY_ROUTES = {
  serveGateway: stream<typeof asked, GatewayInfo>(asked, (device, { protocol, ...options }, { signal }) =>
    device.gateways.serve(protocol, { ...options, signal }),
  ),
  keepGateway: call(asked, (device, { protocol, ...options }, { signal }) =>
    device.gateways.keep(protocol, { ...options, signal }),
  ),
  stopGateway: call({ id: text }, (device, { id }) => device.gateways.stop(id)),
  gateways: call({}, (device) => device.gateways.list()),
}

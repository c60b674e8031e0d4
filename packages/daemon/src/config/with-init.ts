import { DittoError } from '@dittofs/interface'
import type { DeviceInit } from '../device-init.ts'
import { type Config, isPeerAddress } from './config-schema.ts'

/** The settings of one run: what it was started with goes before what is written down. @throws DittoError DITTO_USAGE */
export function withInit(config: Config, init: DeviceInit): Config {
  for (const peer of init.peers ?? []) {
    if (!isPeerAddress(peer)) {
      throw new DittoError('DITTO_USAGE', `${JSON.stringify(peer)} is no address of a device; write HOST:PORT.`)
    }
  }
  return {
    ...config,
    ...(init.port === undefined ? {} : { port: init.port }),
    ...(init.host === undefined ? {} : { host: init.host }),
    ...(init.mdns === undefined ? {} : { mdns: init.mdns }),
    ...(init.beacon === undefined ? {} : { beacon: init.beacon }),
    peers: [...new Set([...config.peers, ...(init.peers ?? [])])],
  }
}

import * as v from 'valibot'
import { localPath, space, text } from './parameters.ts'
import { call } from './route.ts'

const named = { path: text, space, directory: v.exactOptional(localPath) }

/** What the control API offers of `Device.pins`. */
export const PIN_ROUTES = {
  pin: call(named, (device, { path, ...options }, { signal }) => device.pins.pin(path, { ...options, signal })),
  unpin: call(named, (device, { path, ...options }, { signal }) => device.pins.unpin(path, { ...options, signal })),
  evict: call(named, (device, { path, ...options }, { signal }) => device.pins.evict(path, { ...options, signal })),
}

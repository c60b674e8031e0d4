import { CHUNKERS, type Device, type ListEntry, ROLES, type SendEvent } from '@dittofs/interface'
import * as v from 'valibot'
import { FOLDER_ROUTES } from './folder-routes.ts'
import { GATEWAY_ROUTES } from './gateway-routes.ts'
import { chunk, flag, localPath, milliseconds, offset, space, target, text } from './parameters.ts'
import { PIN_ROUTES } from './pin-routes.ts'
import { bytes, call, stream } from './route.ts'
import { VERSION_ROUTES } from './version-routes.ts'

/** Every method of `Device` that the control API offers. What it takes from outside is checked here, once. */
export const CONTROL_ROUTES = {
  status: call({}, async (device, _, { signal }) => ({ ...(await device.status({ signal })), isDaemonRunning: true })),
  devices: call({}, (device) => device.devices()),
  removeDevice: call({ id: text, space }, (device, { id, ...options }) => device.removeDevice(id, options)),
  renameDevice: call({ name: text }, (device, { name }) => device.renameDevice(name)),
  spaces: call({}, (device) => device.spaces()),
  createSpace: call({ name: text, chunker: v.exactOptional(v.picklist(CHUNKERS)) }, (device, { name, ...options }) =>
    device.createSpace(name, options),
  ),
  adoptSpace: call({ space: text, as: v.exactOptional(text) }, (device, { space: adopted, ...options }, context) =>
    device.adoptSpace(adopted, { ...options, ...context }),
  ),

  acceptGrowth: call({ space }, (device, options) => device.acceptGrowth(options)),

  invite: call(
    { space, expiresInMs: milliseconds, role: v.exactOptional(v.picklist(ROLES)), confirm: flag },
    (device, options) => device.invite(options),
  ),
  invitations: call({}, (device) => device.invitations()),
  revokeInvitation: call({ id: text }, (device, { id }) => device.revokeInvitation(id)),
  confirmInvitation: call({ id: text, digits: text }, (device, { id, digits }) => device.confirmInvitation(id, digits)),
  join: call({ ticket: text }, (device, { ticket }, context) => device.join(ticket, context)),

  add: call(
    { sources: v.array(localPath), space, as: v.exactOptional(text), replace: flag },
    (device, { sources, ...options }, context) => device.add(sources, { ...options, ...context }),
  ),
  list: stream<{ path: typeof text; space: typeof space; missing: typeof flag; isVerbose: typeof flag }, ListEntry>(
    { path: text, space, missing: flag, isVerbose: flag },
    (device, { path: listed, ...options }, { signal }) => device.list(listed, { ...options, signal }),
  ),
  get: call({ path: text, ...target }, (device, { path: got, ...options }, context) =>
    device.get(got, { ...options, ...context }),
  ),
  getChunks: call({ ids: v.array(chunk), ...target, output: localPath }, (device, { ids, ...options }, context) =>
    device.getChunks(ids, { ...options, ...context }),
  ),
  read: bytes({ path: text, space, start: offset, end: offset }, (device, { path: read, ...options }, { signal }) =>
    device.read(read, { ...options, signal }),
  ),
  move: call({ from: text, to: text, space }, (device, { from, to, ...options }) => device.move(from, to, options)),
  remove: call({ path: text, space }, (device, { path: removed, ...options }) => device.remove(removed, options)),

  send: stream<{ sources: v.ArraySchema<typeof localPath, undefined>; expiresInMs: typeof milliseconds }, SendEvent>(
    { sources: v.array(localPath), expiresInMs: milliseconds },
    (device, { sources, ...options }, { signal }) => device.send(sources, { ...options, signal }),
  ),
  receive: call({ ticket: text, directory: localPath, replace: flag }, (device, { ticket, ...options }, context) =>
    device.receive(ticket, { ...options, ...context }),
  ),

  exportBundle: call(
    { target: localPath, device: text, space, all: flag },
    (device, { target: place, ...options }, context) => device.exportBundle(place, { ...options, ...context }),
  ),
  importBundle: call({ file: localPath }, (device, { file }, context) => device.importBundle(file, context)),

  sync: call({ timeoutMs: milliseconds }, (device, options, context) => device.sync({ ...options, ...context })),
  waitUntilSynced: call({}, (device, _, { signal }) => device.waitUntilSynced({ signal })),
  verify: call({ repair: flag }, (device, options, context) => device.verify({ ...options, ...context })),
  checkPatterns: call(
    { device: text, seed: v.exactOptional(text) },
    (device, { device: checked, ...options }, { signal }) => device.checkPatterns(checked, { ...options, signal }),
  ),
  collect: call({}, (device, _, { signal }) => device.collect({ signal })),
  changes: stream({}, (device, _, { signal }) => deviceChanges(device, signal)),
  ...FOLDER_ROUTES,
  ...VERSION_ROUTES,
  ...PIN_ROUTES,
  ...GATEWAY_ROUTES,
}

/** One empty batch at once, then one for each change; those that come faster than they are taken become one. */
async function* deviceChanges(device: Device, signal: AbortSignal): AsyncGenerator<readonly never[]> {
  let hasChanged = true
  let wake = () => {}
  const note = () => {
    hasChanged = true
    wake()
  }
  const unsubscribe = device.onChange(note)
  signal.addEventListener('abort', note)
  try {
    for (;;) {
      if (!hasChanged) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      signal.throwIfAborted()
      hasChanged = false
      yield []
    }
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', note)
  }
}

export type ControlRoutes = typeof CONTROL_ROUTES
export type RouteName<Kind extends ControlRoutes[keyof ControlRoutes]['kind']> = {
  [Name in keyof ControlRoutes]: ControlRoutes[Name]['kind'] extends Kind ? Name : never
}[keyof ControlRoutes]
export type ParametersOf<Name extends keyof ControlRoutes> = v.InferInput<ControlRoutes[Name]['parameters']>
export type ResultOf<Name extends RouteName<'call'>> = Awaited<ReturnType<ControlRoutes[Name]['run']>>
export type ItemOf<Name extends RouteName<'stream'>> =
  ReturnType<ControlRoutes[Name]['run']> extends AsyncIterable<readonly (infer Item)[]> ? Item : never

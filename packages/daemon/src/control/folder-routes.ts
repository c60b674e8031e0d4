import { FOLDER_MODES } from '@dittofs/interface'
import * as v from 'valibot'
import { flag, localPath, space, text } from './parameters.ts'
import { call } from './route.ts'

const directory = v.exactOptional(localPath)

/** What the control API offers of `Device.folders`. */
export const FOLDER_ROUTES = {
  linkFolder: call(
    { directory: localPath, space, path: v.exactOptional(text), mode: v.exactOptional(v.picklist(FOLDER_MODES)) },
    (device, { directory: linked, ...options }) => device.folders.link(linked, options),
  ),
  unlinkFolder: call({ directory: localPath }, (device, { directory: linked }) => device.folders.unlink(linked)),
  folders: call({}, (device) => device.folders.list()),
  pauseFolder: call({ directory }, (device, { directory: chosen }) => device.folders.pause(chosen)),
  resumeFolder: call({ directory, accept: flag }, (device, { directory: chosen, ...options }) =>
    device.folders.resume(chosen, options),
  ),
  rescanFolder: call({ directory }, (device, { directory: chosen }, { signal }) =>
    device.folders.rescan(chosen, { signal }),
  ),
  planFolder: call({ directory }, (device, { directory: chosen }, { signal }) =>
    device.folders.plan(chosen, { signal }),
  ),
  why: call({ path: text, space, directory }, (device, { path, ...options }, { signal }) =>
    device.folders.why(path, { ...options, signal }),
  ),
  ignored: call(
    { directory: localPath, pattern: v.exactOptional(text) },
    (device, { directory: chosen, ...options }, { signal }) => device.folders.ignored(chosen, { ...options, signal }),
  ),
}

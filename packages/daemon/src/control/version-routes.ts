import { CONFLICT_CHOICES, type VersionId } from '@dittofs/interface'
import * as v from 'valibot'
import { localPath, offset, space, text } from './parameters.ts'
import { call } from './route.ts'

const named = { space, directory: v.exactOptional(localPath) }
const moment = v.custom<VersionId | number>(
  (value) => typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)),
  'expected a version, or milliseconds',
)

/** What the control API offers of `Device.versions`. */
export const VERSION_ROUTES = {
  history: call({ path: text, ...named }, (device, { path, ...options }, { signal }) =>
    device.versions.history(path, { ...options, signal }),
  ),
  restore: call(
    { path: text, ...named, at: v.exactOptional(moment), output: v.exactOptional(localPath) },
    (device, { path, ...options }, { signal }) => device.versions.restore(path, { ...options, signal }),
  ),
  deleted: call(named, (device, options, { signal }) => device.versions.deleted({ ...options, signal })),
  restoreDeleted: call({ path: v.exactOptional(text), ...named }, (device, { path, ...options }, { signal }) =>
    device.versions.restoreDeleted(path, { ...options, signal }),
  ),
  changeGroups: call({ ...named, limit: offset }, (device, options, { signal }) =>
    device.versions.changes({ ...options, signal }),
  ),
  undo: call({ id: v.exactOptional(text), ...named }, (device, { id, ...options }, { signal }) =>
    device.versions.undo(id, { ...options, signal }),
  ),
  conflicts: call(named, (device, options, { signal }) => device.versions.conflicts({ ...options, signal })),
  diffConflict: call({ path: text, ...named }, (device, { path, ...options }, { signal }) =>
    device.versions.diffConflict(path, { ...options, signal }),
  ),
  takeConflict: call(
    { path: text, choice: v.picklist(CONFLICT_CHOICES), ...named },
    (device, { path, choice, ...options }, { signal }) =>
      device.versions.takeConflict(path, choice, { ...options, signal }),
  ),
  mergeConflict: call({ path: text, ...named }, (device, { path, ...options }, { signal }) =>
    device.versions.mergeConflict(path, { ...options, signal }),
  ),
}

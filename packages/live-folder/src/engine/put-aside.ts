import type { BaseEntry } from '../base/base-entry.ts'
import type { EngineContext } from './engine-context.ts'
import type { FolderRuntime } from './linked-folder.ts'

/**
 * In a folder that only receives: what a person put, or changed, where the space has something else gets a name of its own
 * and is not looked at any more.
 *
 * @param entry - what the base has, if it is about that
 * @param path - where the space wants to have something
 */
export async function putAside(
  context: EngineContext,
  folder: FolderRuntime,
  entry: BaseEntry | undefined,
  path: string,
): Promise<void> {
  const { base, init, trail } = context
  const parent = base.at(folder.id, path.split('/').slice(0, -1))
  const target = [...(parent?.rawNames ?? path.split('/').slice(0, -1)), path.split('/').at(-1) as string]
  const places = entry !== undefined && base.has(entry) ? [entry.rawNames, target] : [target]
  for (const names of places) {
    const stamp = await folder.fileSystem.stat(names)
    if (stamp === undefined) continue
    const known = base.at(
      folder.id,
      names.map((name) => name.normalize('NFC')),
    )
    // What stands there as the base says is not in the way by itself.
    if (known !== undefined && known !== entry) continue
    if (known !== undefined && known.stamp.ino === stamp.ino && known.stamp.mtimeNs === stamp.mtimeNs) continue
    const name = names.at(-1) as string
    const aside = asideName(name, init.deviceLabel, init.clock.now())
    await folder.fileSystem.rename(names, [...names.slice(0, -1), aside], stamp)
    folder.report(
      'disk',
      [...names.slice(0, -1), aside].join('/'),
      'local-change',
      'This was changed here and is not synced.',
    )
    trail.note(folder.id, path, 'done', `What was here was kept as "${aside}": this folder only receives.`)
  }
  if (entry !== undefined && base.has(entry)) context.tellPlaces([], base.remove(entry))
}

/** `name (kept from DEVICE, DATE).ext` */
function asideName(name: string, device: string, nowMs: number): string {
  const dot = name.lastIndexOf('.')
  const end = dot > 0 ? name.slice(dot) : ''
  const date = new Date(nowMs).toISOString().slice(0, 23).replace('T', ' ').replaceAll(':', '')
  const suffix = ` (kept from ${device}, ${date})${end}`
  let start = dot > 0 ? name.slice(0, dot) : name
  while (Buffer.byteLength(start + suffix) > 255) start = start.slice(0, -1)
  return start + suffix
}

import { compareEvents } from './event.ts'
import type { Version } from './node-state.ts'
import { isAlive, type ShownDirectory } from './shown-tree.ts'

/** Mode and time of a shown directory: the last ones written to any of its living nodes, or else to its dead ones. */
export function directoryContent(directory: ShownDirectory): Version | undefined {
  const living = directory.members.filter(isAlive)
  let latest: Version | undefined
  for (const { node } of living.length > 0 ? living : directory.members) {
    for (const { version } of node.states) {
      if (version !== undefined && (latest === undefined || compareEvents(version, latest) > 0)) latest = version
    }
  }
  return latest
}

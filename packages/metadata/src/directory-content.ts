import { compareEvents } from './event.ts'
import type { NodeState, Version } from './node-state.ts'
import { isAlive, type ShownDirectory } from './shown-tree.ts'

/** Mode and time of a shown directory: the last ones written to any of its living nodes, or else to its dead ones. */
export function directoryContent(directory: ShownDirectory): Version | undefined {
  const living = directory.members.filter(isAlive)
  return latestVersion((living.length > 0 ? living : directory.members).map(({ node }) => node))
}

/** The last version written to any of some nodes. */
export function latestVersion(nodes: readonly NodeState[]): Version | undefined {
  let latest: Version | undefined
  for (const { states } of nodes) {
    for (const { version } of states) {
      if (version !== undefined && (latest === undefined || compareEvents(version, latest) > 0)) latest = version
    }
  }
  return latest
}

import { type LogEntry, SpaceIndex } from './space-index.ts'
import { type DeviceLabel, TreeView } from './tree-view.ts'

/**
 * What the entries of a space mean: the tree, its conflicts, its clashes and what is waiting for more. Pure and total:
 * a function of the newest entry of each writer for each node, whatever order the logs come in; an entry that cannot
 * be read is counted and changes nothing.
 *
 * @param entries - of any number of logs, each log's in order
 */
export function resolve(entries: Iterable<LogEntry>, deviceLabel: DeviceLabel): TreeView {
  const index = new SpaceIndex()
  index.add(entries)
  return new TreeView(index, deviceLabel)
}

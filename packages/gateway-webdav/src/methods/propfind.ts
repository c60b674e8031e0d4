import type { VolumeAttributes, VolumeStatistics } from '@dittofs/interface'
import { depthOf } from '../checks.ts'
import type { DeadProperty } from '../dead-properties.ts'
import type { Exchange } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { MultistatusWriter } from '../multistatus-writer.ts'
import { findProperties, needsStatistics } from '../properties/find-properties.ts'
import { type PropfindRequest, parsePropfind } from '../properties/propfind-request.ts'
import { readXmlBody } from '../request-body.ts'
import { formatHref, type RequestPath } from '../request-path.ts'
import { findResource } from '../resource.ts'
import type { ServedVolume } from '../served-volume.ts'
import { type WalkedNode, walkTree } from '../walk-tree.ts'

/** Nodes whose dead properties are looked up together. */
const NODES_AT_ONCE = 64

/** PROPFIND, of any depth: answered node by node, as fast as the client reads. */
export async function propfind(exchange: Exchange): Promise<void> {
  const { served, path, response, signal } = exchange
  const header = depthOf(exchange, ['0', '1', 'infinity'], 'infinity')
  const depth = header === 'infinity' ? Number.POSITIVE_INFINITY : Number(header)
  const wanted = parsePropfind(await readXmlBody(exchange))
  const writer = new MultistatusWriter(response, signal)
  if (served !== undefined) {
    const { entry } = await findResource(served, path)
    if (entry === undefined) throw new HttpError(404, 'There is nothing at this URL.')
    const write = await volumeWriter(exchange, served, wanted, writer)
    await writer.start()
    await write(walkTree(served, { path, entry }, depth))
    return writer.end()
  }
  await writer.start()
  await writer.properties('/', findProperties(wanted, bareSubject('')))
  for (const one of depth === 0 ? [] : exchange.state.exports.values()) {
    if (!one.isAllowed(exchange.address)) continue
    const rootPath: RequestPath = { exportName: one.name, names: [] }
    const { entry } = await findResource(one, rootPath)
    if (entry === undefined) continue
    const write = await volumeWriter(exchange, one, wanted, writer)
    await write(walkTree(one, { path: rootPath, entry }, depth - 1))
  }
  await writer.end()
}

async function volumeWriter(
  { state }: Exchange,
  served: ServedVolume,
  wanted: PropfindRequest,
  writer: MultistatusWriter,
): Promise<(nodes: AsyncIterable<WalkedNode>) => Promise<void>> {
  // Of the whole volume: asked once, not for each of its directories.
  const statistics: VolumeStatistics | undefined = needsStatistics(wanted)
    ? await served.volume.statistics()
    : undefined
  const writeOne = ({ path, entry }: WalkedNode, dead: readonly DeadProperty[]): Promise<void> => {
    const locks = state.locks.covering(path).map((lock) => ({ lock, remainingMs: state.locks.remainingMs(lock) }))
    const name = path.names.at(-1) ?? served.name
    const subject = { name, attributes: entry.attributes, dead, locks, statistics }
    return writer.properties(formatHref(path, entry.attributes.kind === 'directory'), findProperties(wanted, subject))
  }
  return async (nodes) => {
    for await (const batch of inBatches(nodes)) {
      const dead = await served.properties.getMany(batch.map(({ entry }) => entry.handle))
      for (const [index, node] of batch.entries()) await writeOne(node, dead[index] ?? [])
    }
  }
}

async function* inBatches(nodes: AsyncIterable<WalkedNode>): AsyncGenerator<WalkedNode[]> {
  let batch: WalkedNode[] = []
  for await (const node of nodes) {
    if (batch.push(node) < NODES_AT_ONCE) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

const BARE: VolumeAttributes = {
  kind: 'directory',
  mode: 0o555,
  size: 0,
  heldBytes: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  fileId: 1n,
  changeTag: 'exports',
  contentTag: 'exports',
}

/** The directory of the exports, which is in no volume. */
function bareSubject(name: string) {
  return { name, attributes: BARE, dead: [], locks: [], statistics: undefined }
}

import type { VolumeAttributes, VolumeStatistics } from '@dittofs/interface'
import { depthOf } from '../checks.ts'
import type { Exchange } from '../exchange.ts'
import { HttpError } from '../http-error.ts'
import { MultistatusWriter } from '../multistatus-writer.ts'
import type { WantedProperties } from '../properties/wanted-properties.ts'
import { readSmallBody } from '../request-body.ts'
import type { RequestPath } from '../request-path.ts'
import { findResource } from '../resource.ts'
import type { ServedVolume } from '../served-volume.ts'
import { type WalkedNode, walkTree } from '../walk-tree.ts'

/** PROPFIND, of any depth: answered page by page, as fast as the client reads. */
export async function propfind(exchange: Exchange): Promise<void> {
  const { served, path, response, signal, state } = exchange
  const header = depthOf(exchange, ['0', '1', 'infinity'], 'infinity')
  const depth = header === 'infinity' ? Number.POSITIVE_INFINITY : Number(header)
  const wanted = state.wantedProperties.read(await readSmallBody(exchange))
  const writer = new MultistatusWriter(response, signal)
  if (served !== undefined) {
    const { entry } = await findResource(served, path)
    if (entry === undefined) throw new HttpError(404, 'There is nothing at this URL.')
    const write = await volumeWriter(exchange, served, wanted, writer)
    await writer.start()
    for await (const nodes of walkTree(served, { path, entry }, depth)) await write(nodes)
    return writer.end()
  }
  await writer.start()
  await writer.properties('/', wanted.find(bareSubject('')))
  for (const one of depth === 0 ? [] : state.exports.values()) {
    if (!one.isAllowed(exchange.address)) continue
    const rootPath: RequestPath = { exportName: one.name, names: [] }
    const { entry } = await findResource(one, rootPath)
    if (entry === undefined) continue
    const write = await volumeWriter(exchange, one, wanted, writer)
    for await (const nodes of walkTree(one, { path: rootPath, entry }, depth - 1)) await write(nodes)
  }
  await writer.end()
}

async function volumeWriter(
  { state }: Exchange,
  served: ServedVolume,
  { find, needsStatistics }: WantedProperties,
  writer: MultistatusWriter,
): Promise<(nodes: readonly WalkedNode[]) => Promise<void>> {
  const { locks } = state
  // Of the whole volume: asked once, not for each of its directories.
  const statistics: VolumeStatistics | undefined = needsStatistics ? await served.volume.statistics() : undefined
  return async (nodes) => {
    const dead = await served.properties.getMany(nodes.map(({ entry }) => entry.handle))
    for (const [index, { path, entry, href }] of nodes.entries()) {
      const covering = locks.size === 0 ? [] : locks.covering(path)
      const subject = {
        name: path.names.at(-1) ?? served.name,
        attributes: entry.attributes,
        dead: dead[index] ?? [],
        locks: covering.map((lock) => ({ lock, remainingMs: locks.remainingMs(lock) })),
        statistics,
      }
      const written = writer.properties(href, find(subject))
      if (written !== undefined) await written
    }
  }
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

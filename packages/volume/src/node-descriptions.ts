import type { TreeEntry, VolumeAttributes, VolumeEntry, VolumeHandle } from '@dittofs/interface'
import { type DescribedNode, describeNode } from './describe-node.ts'
import type { VolumeParts } from './volume-parts.ts'

type Parts = Pick<VolumeParts, 'finder' | 'held' | 'files' | 'times'>

/** What a volume tells of its nodes: what the metadata shows, with what was written and is not committed. */
export class NodeDescriptions {
  readonly #parts: Parts
  readonly #epoch: string
  readonly #ofRoot: () => NonNullable<DescribedNode['own']>

  /** @param epoch - see {@link DescribedNode} */
  constructor(parts: Parts, epoch: string, ofRoot: () => NonNullable<DescribedNode['own']>) {
    this.#parts = parts
    this.#epoch = epoch
    this.#ofRoot = ofRoot
  }

  async entry(entry: TreeEntry): Promise<VolumeEntry> {
    const [described] = await this.entries([entry])
    return described as VolumeEntry
  }

  async entries(entries: readonly TreeEntry[]): Promise<VolumeEntry[]> {
    const { finder, held } = this.#parts
    const handles = entries.map((entry) => finder.handleOf(entry))
    const heldBytes = await held.of(entries.map(({ file }) => file))
    return entries.map((entry, index) => {
      const handle = handles[index] as VolumeHandle
      return { handle, attributes: this.#describe(handle, entry, heldBytes[index] as number) }
    })
  }

  async attributes(handle: VolumeHandle, entry: TreeEntry): Promise<VolumeAttributes> {
    const [heldBytes = 0] = await this.#parts.held.of([entry.file])
    return this.#describe(handle, entry, heldBytes)
  }

  #describe(handle: VolumeHandle, entry: TreeEntry, heldBytes: number): VolumeAttributes {
    const { files, times, finder } = this.#parts
    return describeNode({
      ...{ handle, entry, heldBytes, epoch: this.#epoch },
      open: files.get(finder.handleOf(entry)) ?? files.get(handle),
      time: times.of(entry.nodes ?? [entry.node]),
      ...(entry.path === '' && { own: this.#ofRoot() }),
    })
  }
}

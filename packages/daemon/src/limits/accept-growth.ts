import type { AcceptedGrowth } from '@dittofs/interface'
import type { DeviceParts } from '../device-parts.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { describeGrowth } from './describe-growth.ts'

/** A person agrees to all that waits in the spaces; it is fetched at once. */
export async function acceptGrowth(
  parts: Pick<DeviceParts, 'growth' | 'network' | 'changes'>,
  spaces: readonly OpenSpace[],
): Promise<readonly AcceptedGrowth[]> {
  const all: AcceptedGrowth[] = []
  for (const space of spaces) {
    const accepted = await parts.growth.accept(space.id)
    if (accepted.length === 0) continue
    for (const one of describeGrowth(space, accepted)) all.push({ space: { id: space.id, name: space.name }, ...one })
    parts.network?.choicesChanged(space)
  }
  if (all.length > 0) parts.changes.raise()
  return all
}

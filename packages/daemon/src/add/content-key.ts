import { createHash } from 'node:crypto'
import type { ContentRef } from '@dittofs/interface'

/** Equal for equal content cut by the same chunker; short, for tables. */
export function contentKey(content: ContentRef): string {
  if (content.kind === 'manifest') return `m${content.root}`
  const hash = createHash('sha256')
  for (const chunk of content.chunks) hash.update(chunk.id)
  return `i${hash.digest('hex').slice(0, 32)}`
}

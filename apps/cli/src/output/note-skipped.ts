import type { Output } from './output.ts'

/** Lines shown of a long list; --json has all of them. */
const MAX_SHOWN = 20

interface Skipped {
  readonly path: string
  readonly reason: string
}

/** Says on stderr what was not done, and why. */
export function noteSkipped(output: Output, what: string, skipped: readonly Skipped[]): void {
  for (const { path, reason } of skipped.slice(0, MAX_SHOWN)) output.note(`dittofs: ${what}: ${path}: ${reason}`)
  if (skipped.length > MAX_SHOWN) {
    output.note(`dittofs: ${what}: ${skipped.length - MAX_SHOWN} more; --json names all of them`)
  }
}

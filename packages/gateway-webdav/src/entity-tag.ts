import type { VolumeAttributes } from '@dittofs/interface'

/**
 * The strong entity tag of a node: another one after each change of content. Attributes have no part in it: a client that
 * sets one behind its PUT, as davfs2 does for what may be run, goes on with the tag that the PUT was answered with.
 */
export function entityTag(attributes: VolumeAttributes): string {
  return `"${attributes.contentTag}"`
}

/**
 * The tags of an `If-Match` or `If-None-Match` header, `'*'` for any, `undefined` where it cannot be read. Weak ones keep
 * their `W/`.
 */
export function parseEntityTags(header: string): readonly string[] | '*' | undefined {
  const text = header.trim()
  if (text === '*') return '*'
  const tags: string[] = []
  const pattern = /[ \t]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/y
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text)
    if (found === null) return undefined
    tags.push(found[1] as string)
  }
  return tags.length === 0 ? undefined : tags
}

/** RFC 9110 8.8.3.2, strong comparison: a weak tag equals nothing. */
export function isStrongMatch(one: string, other: string): boolean {
  return one === other && !one.startsWith('W/')
}

/** RFC 9110 8.8.3.2, weak comparison. */
export function isWeakMatch(one: string, other: string): boolean {
  return one.replace(/^W\//, '') === other.replace(/^W\//, '')
}

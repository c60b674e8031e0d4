/**
 * Whether a symlink can lead nowhere but into the tree it is written in: its target is relative, goes up only at its
 * beginning, and no higher than the tree's root.
 *
 * A `..` behind a name is refused though the path may look harmless: `here/..` is the parent of wherever the symlink
 * `here` leads.
 *
 * @param depth - directories between the tree's root and the symlink; 0 in the root itself
 */
export function staysInside(target: string, depth: number): boolean {
  if (target === '' || target.startsWith('/') || /^[A-Za-z]:|\\/.test(target)) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const firstName = parts.findIndex((part) => part !== '..')
  const ups = firstName === -1 ? parts.length : firstName
  return ups <= depth && !parts.slice(ups).includes('..')
}

/**
 * Picks, in order, what may be written: each file that leaves room, beside those picked before it. A smaller one may
 * come after one that has to wait.
 *
 * @param sizes - bytes of each file; a file that replaces another is written beside it first, so it counts in full
 * @param roomBytes - what may be written at all
 */
export function fitsIn(sizes: readonly number[], roomBytes: number): readonly boolean[] {
  let left = roomBytes
  return sizes.map((size) => {
    if (size > 0 && size > left) return false
    left -= size
    return true
  })
}

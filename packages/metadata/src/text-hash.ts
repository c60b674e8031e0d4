/**
 * 32 bits over a text, other ones with each seed. FNV-1a, and its last step mixed, so that the low bits are as good as
 * the high ones.
 *
 * @see Landon Curt Noll, "FNV hash"; Austin Appleby, "MurmurHash3" (fmix32)
 */
export function textHash(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

import { MAX_NAME_BYTES } from '@dittofs/interface'

/** An ending longer than this is no file type, and not worth keeping whole. */
const MAX_EXTENSION_BYTES = 32

export interface ConflictNameInit {
  /** The name that is taken. */
  readonly name: string
  /** A short label of the device that made the version, the same on every device. */
  readonly device: string
  readonly mtimeNs: bigint
  readonly isTaken: (name: string) => boolean
}

/**
 * The name a conflict copy is shown by: `name (conflict from DEVICE, DATE).ext`, cut to what a name may have,
 * numbered if taken. No character in it is refused by any platform that took the name itself.
 */
export function conflictName({ name, device, mtimeNs, isTaken }: ConflictNameInit): string {
  const dot = name.lastIndexOf('.')
  const hasExtension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= MAX_EXTENSION_BYTES
  const base = hasExtension ? name.slice(0, dot) : name
  const extension = hasExtension ? name.slice(dot) : ''
  for (let number = 1; ; number += 1) {
    const suffix = ` (conflict from ${device}, ${dateText(mtimeNs)}${number === 1 ? '' : ` ${number}`})${extension}`
    const candidate = cutToBytes(base, MAX_NAME_BYTES - Buffer.byteLength(suffix)) + suffix
    if (!isTaken(candidate)) return candidate
  }
}

/** UTC, to the second: `2026-11-21 094512`. */
function dateText(mtimeNs: bigint): string {
  const text = new Date(Number(mtimeNs / 1_000_000n)).toISOString()
  return text.slice(0, 19).replace('T', ' ').replaceAll(':', '')
}

/** The longest start of whole characters that fits. */
function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    end += character.length
  }
  return text.slice(0, end)
}

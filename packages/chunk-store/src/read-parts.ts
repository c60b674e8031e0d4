import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Blake3 } from './blake3.ts'
import type { PartsRead, PartsToRead } from './worker-messages.ts'

/** Reads pieces of files one after the other, and says of each whether it has the hash it should have. */
export function readParts(blake3: Blake3, { paths, parts, digests }: PartsToRead): PartsRead {
  let total = 0
  for (let at = 2; at < parts.length; at += 3) total += parts[at] as number
  const bytes = new Uint8Array(total)
  const isGood = new Uint8Array(parts.length / 3)
  const file = new OneOpenFile(paths)
  let at = 0
  try {
    for (let nth = 0; nth < isGood.length; nth++) {
      const [path, position, length] = parts.subarray(nth * 3, nth * 3 + 3) as unknown as [number, number, number]
      const target = bytes.subarray(at, at + length)
      const isWhole = file.read(path, target, position)
      if (isWhole && isEqual(blake3.hash(target), digests, nth * 32)) isGood[nth] = 1
      at += length
    }
  } finally {
    file.close()
  }
  return { bytes, isGood }
}

/** Pieces of one file mostly follow each other. */
class OneOpenFile {
  readonly #paths: readonly string[]
  #path = -1
  #descriptor: number | undefined

  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  /** @returns whether all of `target` was filled; a file that cannot be read fills nothing */
  read(path: number, target: Uint8Array, position: number): boolean {
    if (path !== this.#path) {
      this.close()
      this.#path = path
      this.#descriptor = openRegular(this.#paths[path] as string)
    }
    if (this.#descriptor === undefined) return false
    try {
      for (let filled = 0; filled < target.length; ) {
        const got = readSync(this.#descriptor, target, filled, target.length - filled, position + filled)
        if (got === 0) return false
        filled += got
      }
      return true
    } catch {
      return false
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

function openRegular(path: string): number | undefined {
  try {
    // Not through a symlink, and not waiting for the writer of a FIFO, which may never come.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (fstatSync(descriptor).isFile()) return descriptor
    closeSync(descriptor)
  } catch {
    // Nothing is concluded from it: the file may have been moved a moment ago.
  }
  return undefined
}

function isEqual(digest: Uint8Array, digests: Uint8Array, at: number): boolean {
  for (let nth = 0; nth < 32; nth++) if (digest[nth] !== digests[at + nth]) return false
  return true
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, lstat, lutimes, mkdir, open, readdir, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A small generator of random numbers with a seed, so that a failing tree can be made again (Steele et al., SplitMix32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

/** `size` bytes that do not compress, the same for the same seed. */
export function randomBytes(size: number, seed: number): Buffer {
  const random = seededRandom(seed)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (; at + 4 <= size; at += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), at)
  for (; at < size; at++) bytes[at] = Math.floor(random() * 256)
  return bytes
}

/** Writes a file of `size` random bytes piece by piece. */
export async function writeLargeFile(file: string, size: number, seed: number): Promise<void> {
  const handle = await open(file, 'w')
  try {
    const pieceBytes = 4 * 1024 * 1024
    for (let at = 0, piece = 0; at < size; at += pieceBytes, piece++) {
      await handle.write(randomBytes(Math.min(pieceBytes, size - at), seed + piece))
    }
  } finally {
    await handle.close()
  }
}

export interface RandomTreeOptions {
  files: number
  /** Largest file in bytes; sizes are spread evenly below it. */
  maxFileBytes: number
  seed: number
}

/** A directory tree with what real ones have: depth, odd names, modes, old mtimes, symlinks, empty files and directories. */
export async function writeRandomTree(root: string, options: RandomTreeOptions): Promise<void> {
  const random = seededRandom(options.seed)
  const directories = [root]
  await mkdir(root, { recursive: true })
  for (let i = 0; i < Math.ceil(options.files / 20); i++) {
    const parent = directories[Math.floor(random() * directories.length)] as string
    const directory = path.join(parent, `directory ${i}`)
    await mkdir(directory)
    directories.push(directory)
  }
  await mkdir(path.join(root, 'empty directory'))
  const modes = [0o644, 0o600, 0o755, 0o444]
  for (let i = 0; i < options.files; i++) {
    const parent = directories[Math.floor(random() * directories.length)] as string
    const name = i % 50 === 7 ? `ünïcödé 🗂 ${i}` : i % 50 === 13 ? `new\nline ${i}` : `file-${i}.bin`
    const file = path.join(parent, name)
    const size = i % 40 === 3 ? 0 : Math.floor(random() * options.maxFileBytes)
    await writeFile(file, randomBytes(size, options.seed + i))
    await chmod(file, modes[Math.floor(random() * modes.length)] as number)
    const mtime = 1_000_000_000 + Math.floor(random() * 600_000_000) + 0.25
    await utimes(file, mtime, mtime)
    if (i % 25 === 11) {
      await symlink(name, `${file}.link`)
      await lutimes(`${file}.link`, mtime, mtime)
    }
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

/**
 * One line for every entry below `root`, in order of path: what must be the same on both devices. Times count to the
 * microsecond, which is as exact as Node can set them.
 */
export async function describeTree(root: string): Promise<string[]> {
  const lines: string[] = []
  const visit = async (directory: string, prefix: string): Promise<void> => {
    for (const name of (await readdir(directory)).sort()) {
      const file = path.join(directory, name)
      const shown = JSON.stringify(prefix + name)
      const stat = await lstat(file, { bigint: true })
      const microseconds = stat.mtimeNs / 1000n
      const mode = (Number(stat.mode) & 0o777).toString(8)
      if (stat.isSymbolicLink()) {
        lines.push(`${shown} -> ${JSON.stringify(await readlink(file))} ${microseconds}`)
      } else if (stat.isDirectory()) {
        lines.push(`${shown}/ ${mode} ${microseconds}`)
        await visit(file, `${prefix}${name}/`)
      } else {
        lines.push(`${shown} ${mode} ${stat.size} ${microseconds} ${await hashFile(file)}`)
      }
    }
  }
  await visit(root, '')
  return lines
}

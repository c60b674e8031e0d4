import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import type { PackFile, PackFileSystem } from './pack-file-system.ts'

/** The file system of this machine. */
export const nodePackFileSystem: PackFileSystem = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  list: (directory) => readdir(directory),
  create: async (path) => new NodePackFile(await open(path, 'wx', 0o600)),
  open: async (path, mode) =>
    new NodePackFile(
      await open(path, (mode === 'read' ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NOFOLLOW),
    ),
  remove: (path) => rm(path),
  async syncDirectory(directory) {
    // Windows cannot open a directory; its file system makes names durable by itself.
    if (process.platform === 'win32') return
    const handle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

class NodePackFile implements PackFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const { bytesRead } = await this.#handle.read(target, filled, target.length - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let rest = parts
    let at = position
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest, at)
      at += bytesWritten
      rest = dropBytes(rest, bytesWritten)
    }
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size)
  }

  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** A write may be cut short, by a disk that fills up for one: what is left goes into the next one. */
function dropBytes(parts: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count
  for (const [index, part] of parts.entries()) {
    if (left < part.length) return [part.subarray(left), ...parts.slice(index + 1)]
    left -= part.length
  }
  return []
}

import { type FileHandle, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  type GatewaySide,
  type GatewayWork,
  inWindow,
  LARGE_WINDOW,
  SMALL_BYTES,
  SMALL_WINDOW,
  scattered,
  TRANSFER_BYTES,
  type WorkSize,
} from './gateway-side.ts'

/**
 * A plain directory, by the calls of this process. Nothing but the large file is brought to the disk.
 *
 * @param smallFiles - `smallWrite` makes files of 4 KiB, as over WebDAV, in place of writing into the large one
 */
export async function directorySide(folder: string, smallFiles = false): Promise<GatewaySide> {
  const file = await open(path.join(folder, 'large'), 'w+')
  const tree = path.join(folder, 'tree')
  await mkdir(tree)
  await mkdir(path.join(folder, 'small'))
  return {
    run: (work, size) => WORKS[work]({ file, tree, small: path.join(folder, 'small'), smallFiles, ...size }),
    close: () => file.close(),
  }
}

interface DirectoryWork extends WorkSize {
  readonly file: FileHandle
  readonly tree: string
  readonly small: string
  readonly smallFiles: boolean
}

const place = (tree: string, index: number): string => path.join(tree, `file ${index}`)

const WORKS: Readonly<Record<GatewayWork, (work: DirectoryWork) => Promise<number>>> = {
  write: async ({ file, bytes }) => {
    const content = Buffer.alloc(TRANSFER_BYTES, 7)
    const count = bytes / TRANSFER_BYTES
    const write = (i: number) => file.write(content, 0, TRANSFER_BYTES, i * TRANSFER_BYTES)
    return (await inWindow(count, LARGE_WINDOW, write)) + (await inWindow(1, 1, () => file.datasync()))
  },
  read: ({ file, bytes }) => {
    const read = (i: number) => file.read(Buffer.allocUnsafe(TRANSFER_BYTES), 0, TRANSFER_BYTES, i * TRANSFER_BYTES)
    return inWindow(bytes / TRANSFER_BYTES, LARGE_WINDOW, read)
  },
  smallWrite: ({ file, small, smallFiles, bytes, operations }) => {
    const content = Buffer.alloc(SMALL_BYTES, 9)
    const write = smallFiles
      ? (i: number) => writeFile(place(small, i), content)
      : (i: number) => file.write(content, 0, SMALL_BYTES, scattered(i, bytes))
    return inWindow(operations, SMALL_WINDOW, write)
  },
  smallRead: ({ file, bytes, operations }) => {
    const read = (i: number) => file.read(Buffer.allocUnsafe(SMALL_BYTES), 0, SMALL_BYTES, scattered(i, bytes))
    return inWindow(operations, SMALL_WINDOW, read)
  },
  create: ({ tree, operations }) =>
    inWindow(operations, SMALL_WINDOW, (i) => writeFile(place(tree, i), '', { flag: 'wx' })),
  stat: ({ tree, operations }) => inWindow(operations, SMALL_WINDOW, (i) => stat(place(tree, i))),
  list: async ({ tree }) => {
    const startedMs = performance.now()
    const names = await readdir(tree)
    await inWindow(names.length, SMALL_WINDOW, (i) => stat(path.join(tree, names[i] as string)))
    return performance.now() - startedMs
  },
  remove: ({ tree, operations }) => inWindow(operations, SMALL_WINDOW, (i) => rm(place(tree, i))),
}

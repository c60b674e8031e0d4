import { renameSync } from 'node:fs'
import { readdir, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import { type LiveSide, linkBoth, untilSame, untilShown, withLivePair, writeEvenTree } from './live-pair.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { kibibytes, mebibytes, milliseconds, seconds } from './units.ts'

const FILE_BYTES = 1024
const DIRECTORIES = 100

/** Renaming one directory with everything in it: what goes over the wire, and whether the other side renamed as well. */
export function liveRename(files: number): BenchSubject {
  return {
    name: 'rename',
    measure: (directory) =>
      withLivePair(directory, async (alice, bob) => {
        await writeEvenTree(path.join(alice.folder, 'before'), files, DIRECTORIES, FILE_BYTES)
        await writeEvenTree(path.join(directory, 'beside'), files, DIRECTORIES, FILE_BYTES)
        await linkBoth(alice, bob)
        settle()
        const inodes = await inodesIn(path.join(bob.folder, 'before'))
        const sentBefore = await wireBytes(alice, bob)
        const shown = await timed(async () => {
          renameSync(path.join(alice.folder, 'before'), path.join(alice.folder, 'after'))
          await untilShown(path.join(bob.folder, 'after'))
        })
        await untilSame(alice, bob)
        const wire = (await wireBytes(alice, bob)) - sentBefore
        const now = await inodesIn(path.join(bob.folder, 'after'))
        const kept = [...inodes].filter(([name, inode]) => now.get(name) === inode).length
        const move = await timed(() => rename(path.join(directory, 'beside'), path.join(directory, 'moved')))
        return { shown, wire, kept, entries: inodes.size, move }
      }),
    rows: ({ of }) => [
      {
        work: `live folder: rename a directory of ${files} files, bytes on the wire, both ways`,
        measured: kibibytes(of('wire')),
        baseline: `what is in it: ${mebibytes(files * FILE_BYTES)}`,
        ratio: (of('wire') / (files * FILE_BYTES)).toFixed(5),
        aim: 'under 16 KiB',
      },
      {
        work: 'until the other side shows it',
        measured: seconds(of('shown')),
        baseline: `rename(2) of the same: ${milliseconds(of('move'))}`,
        ratio: '',
        aim: 'at most 0.5 s',
      },
      {
        work: 'files and directories that kept their inode there',
        measured: of('kept').toFixed(0),
        baseline: `all: ${of('entries').toFixed(0)}`,
        ratio: (of('kept') / of('entries')).toFixed(2),
        aim: 'all',
      },
    ],
  }
}

/** Bytes that both devices have sent to each other. */
async function wireBytes(alice: LiveSide, bob: LiveSide): Promise<number> {
  const sent = await Promise.all([alice, bob].map(({ device }) => device.metric('dittofs_link_sent_bytes_total')))
  return sent.reduce((sum, bytes) => sum + bytes, 0)
}

async function inodesIn(root: string): Promise<ReadonlyMap<string, number>> {
  const names = ['', ...(await readdir(root, { recursive: true }))]
  const inodes = new Map<string, number>()
  for (const name of names) inodes.set(name, (await stat(path.join(root, name))).ino)
  return inodes
}

import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { writeRandomTree } from '../test/support/tree.ts'
import { untilSame, withLivePair } from './live-pair.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { seconds } from './units.ts'

/** From the first `link` of a directory of small files until the other side has all of them as real files. */
export function liveFirstLink(files: number): BenchSubject {
  return {
    name: 'first-link',
    measure: (directory) =>
      withLivePair(directory, async (alice, bob) => {
        await writeRandomTree(path.join(alice.folder, 'tree'), { files, maxFileBytes: 32 * 1024, seed: 2 })
        await bob.device.must('link', bob.folder)
        settle()
        const copy = await timed(async () => {
          spawnSync('cp', ['-a', alice.folder, path.join(directory, 'copy')])
          spawnSync('sync')
        })
        settle()
        const link = await timed(async () => {
          await alice.device.must('link', alice.folder)
          await untilSame(alice, bob)
        })
        return { link, copy }
      }),
    rows: ({ of, ratio }) => [
      {
        work: `live folder: first link of ${files} files of 0 to 32 KiB, until they are files on the other side`,
        measured: `${seconds(of('link'))}, ${(files / (of('link') / 1000)).toFixed(0)} files/s`,
        baseline: `cp -a and sync: ${seconds(of('copy'))}`,
        ratio: ratio('link', 'copy').toFixed(2),
        aim: '',
      },
    ],
  }
}

import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { writeLargeFile } from '../test/support/tree.ts'
import { linkBoth, withLivePair, writeEvenTree } from './live-pair.ts'
import type { BenchSubject } from './subject.ts'
import { mebibytes } from './units.ts'

const PART_FILE_BYTES = 1024 ** 2
const SMALL_FILE_BYTES = 16 * 1024

/** What a linked directory takes on disk besides itself: half of it one file, a quarter files of 1 MiB, a quarter of 16 KiB. */
export function liveOverhead(bytes: number): BenchSubject {
  return {
    name: 'overhead',
    measure: (directory) =>
      withLivePair(directory, async (alice, bob) => {
        await mkdir(path.join(alice.folder, 'large'))
        await writeLargeFile(path.join(alice.folder, 'large', 'large.bin'), bytes / 2, 1)
        await writeEvenTree(path.join(alice.folder, 'parts'), bytes / 4 / PART_FILE_BYTES, 8, PART_FILE_BYTES)
        await writeEvenTree(path.join(alice.folder, 'small'), bytes / 4 / SMALL_FILE_BYTES, 100, SMALL_FILE_BYTES)
        await linkBoth(alice, bob)
        const atOnce = diskBytes(bob.device.home)
        for (const { device } of [alice, bob]) await device.must('collect')
        return {
          ...{ folder: diskBytes(alice.folder), atOnce },
          ...{ linking: diskBytes(alice.device.home), receiving: diskBytes(bob.device.home) },
        }
      }),
    rows: ({ of, ratio }) => {
      const row = (key: string, work: string, aim: string) => ({
        work,
        measured: mebibytes(of(key)),
        baseline: `the directory: ${mebibytes(of('folder'))}`,
        ratio: `${(ratio(key, 'folder') * 100).toFixed(2)} %`,
        aim,
      })
      return [
        row('linking', `live folder of ${mebibytes(bytes)}: home of the side that had it`, 'under 2 %'),
        row('receiving', 'home of the side that received it, after collect', 'under 2 %'),
        row('atOnce', 'the same as soon as both agree, before collect', ''),
      ]
    },
  }
}

/** Bytes of disk that a directory takes, in whole blocks. */
function diskBytes(directory: string): number {
  const { stdout, status } = spawnSync('du', ['-s', '-B1', directory], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`du of ${directory} failed`)
  return Number.parseInt(stdout, 10)
}

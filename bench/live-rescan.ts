import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { benchDevice } from './bench-device.ts'
import { writeEvenTree } from './live-pair.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { median } from './table.ts'
import { seconds } from './units.ts'

const FILE_BYTES = 64
const FILES_A_DIRECTORY = 100
const LOOKS = 3

/** Looking again at a linked directory in which nothing has changed. */
export function liveRescan(files: number): BenchSubject {
  return {
    name: 'rescan',
    measure: async (directory) => {
      const folder = path.join(directory, 'folder')
      await mkdir(folder)
      await writeEvenTree(folder, files, Math.ceil(files / FILES_A_DIRECTORY), FILE_BYTES)
      const alice = benchDevice(directory, 'alice')
      await alice.start()
      try {
        const link = await timed(async () => {
          await alice.must('link', folder)
          await alice.must('status', '--wait', '--timeout', '600s')
        })
        settle()
        const [rescans, finds, starts]: [number[], number[], number[]] = [[], [], []]
        for (let at = 0; at < LOOKS; at++) {
          finds.push(await timed(async () => spawnSync('find', [folder, '-ls'], { stdio: 'ignore' })))
          rescans.push(await timed(() => alice.must('rescan', folder)))
          starts.push(await timed(() => alice.must('folders')))
        }
        return { link, rescan: median(rescans), find: median(finds), start: median(starts) }
      } finally {
        await alice.kill()
      }
    },
    rows: ({ of, ratio }) => [
      {
        work: `live folder: rescan ${files} unchanged files`,
        measured: seconds(of('rescan')),
        baseline: `find -ls: ${seconds(of('find'))}`,
        ratio: ratio('rescan', 'find').toFixed(2),
        aim: 'about 1 s for 100,000',
      },
      {
        work: 'of that, a command that only asks (dittofs folders)',
        measured: seconds(of('start')),
        baseline: '',
        ratio: '',
        aim: '',
      },
    ],
  }
}

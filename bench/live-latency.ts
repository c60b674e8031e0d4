import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { randomBytes } from '../test/support/tree.ts'
import { linkBoth, untilShown, withLivePair, writeEvenTree } from './live-pair.ts'
import { settle } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { median } from './table.ts'
import { milliseconds } from './units.ts'

const FILE_BYTES = 1024

/** From a write to the file being there on the other side, one write after the other. */
export function liveLatency(files: number, writes: number, directories: number): BenchSubject {
  return {
    name: directories === 1 ? 'latency-flat' : 'latency',
    measure: (directory) =>
      withLivePair(directory, async (alice, bob) => {
        await writeEvenTree(alice.folder, files, directories, FILE_BYTES)
        await linkBoth(alice, bob)
        settle()
        const [taken, copies]: [number[], number[]] = [[], []]
        for (let at = 0; at < writes; at++) {
          const name = path.join(`directory ${at % directories}`, `new ${at}.bin`)
          const bytes = randomBytes(FILE_BYTES, 1_000_000 + at)
          const start = performance.now()
          writeFileSync(path.join(alice.folder, name), bytes)
          await untilShown(path.join(bob.folder, name), FILE_BYTES)
          taken.push(performance.now() - start)
        }
        for (let at = 0; at < Math.min(writes, 20); at++) {
          const start = performance.now()
          spawnSync('cp', [
            '-a',
            path.join(alice.folder, 'directory 0', 'new 0.bin'),
            path.join(directory, `copy ${at}`),
          ])
          copies.push(performance.now() - start)
        }
        return { middle: median(taken), worst: Math.max(...taken), copy: median(copies) }
      }),
    rows: ({ of, ratio, largest }) => {
      const where = directories === 1 ? 'in one directory' : `in ${directories} directories`
      return [
        {
          work: `live folder: a new 1 KiB file among ${files} ${where}, write to visible, median of ${writes}`,
          measured: milliseconds(of('middle')),
          baseline: `cp of it: ${milliseconds(of('copy'))}`,
          ratio: ratio('middle', 'copy').toFixed(0),
          aim: '300 ms',
        },
        {
          work: `the worst of them, over all runs`,
          measured: milliseconds(largest('worst')),
          baseline: `the median: ${milliseconds(of('middle'))}`,
          ratio: (largest('worst') / of('middle')).toFixed(1),
          aim: '',
        },
      ]
    },
  }
}

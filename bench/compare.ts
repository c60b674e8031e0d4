import { rm } from 'node:fs/promises'
import path from 'node:path'
import { pair } from '../test/support/pairing.ts'
import { benchDevice } from './bench-device.ts'
import { rawTcp, wireBytesOf, withTwoHosts } from './bench-network.ts'
import { partlyHeldFile } from './partly-held-file.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { kibibytes, mebibytes, seconds } from './units.ts'

/** Of how much of the file the receiver has the content already, in percent. */
const SHARES = [0, 50, 90, 99, 100] as const

/**
 * One file to a device that holds some of its content already, in other files, under other names and at other alignments;
 * beside it the same file over plain TCP on the same wire.
 *
 * @param mbit - rate of the wire in Mbit/s; 0 for no limit
 */
export function compare(bytes: number, mbit: number): BenchSubject {
  const wire = mbit === 0 ? 'without a limit' : `of ${mbit} Mbit/s`
  return {
    name: 'compare',
    measure: (directory) =>
      withTwoHosts(mbit, async (a, b) => {
        const alice = benchDevice(directory, 'alice', a)
        const bob = benchDevice(directory, 'bob', b)
        await alice.start()
        await bob.start()
        const sample: Record<string, number> = {}
        try {
          await pair(alice, bob)
          for (const share of SHARES) {
            const file = path.join(directory, `file-${share}.bin`)
            const held = path.join(directory, `held-${share}`)
            await partlyHeldFile({ file, held, bytes, share, seed: 1000 * (share + 1) })
            if (share > 0) {
              await alice.must('add', held)
              await bob.must('sync', '--timeout', '600')
            }
            settle()
            const arrived = path.join(directory, 'arrived.bin')
            sample[`tcp${share}`] = await rawTcp(a, b, file, arrived)
            await rm(arrived)
            settle()
            const wireBytes = await wireBytesOf(b, async () => {
              sample[`time${share}`] = await timed(async () => {
                await alice.must('add', file)
                await bob.must('sync', '--timeout', '600')
              })
            })
            sample[`to${share}`] = wireBytes.received
            sample[`from${share}`] = wireBytes.sent
            await rm(file)
            await rm(held, { recursive: true, force: true })
          }
          return sample
        } finally {
          await alice.kill()
          await bob.kill()
        }
      }),
    rows: ({ of, ratio }) =>
      SHARES.flatMap((share) => [
        {
          work: `${mebibytes(bytes)} over a wire ${wire}, ${share} % of it there already`,
          measured: seconds(of(`time${share}`)),
          baseline: `plain TCP: ${seconds(of(`tcp${share}`))}`,
          ratio: `${(1 / ratio(`time${share}`, `tcp${share}`)).toFixed(2)} x as fast`,
          aim: share === 0 ? 'at least 0.7 x' : share >= 99 ? 'at least 10 x' : '',
        },
        {
          work: `bytes to the receiver (and back), ${share} %`,
          measured: `${kibibytes(of(`to${share}`))} (${kibibytes(of(`from${share}`))})`,
          baseline: `the file: ${mebibytes(bytes)}`,
          ratio: `${(((of(`to${share}`) + of(`from${share}`)) / bytes) * 100).toFixed(4)} %`,
          aim: share === 100 ? 'under 0.01 %' : '',
        },
      ]),
  }
}

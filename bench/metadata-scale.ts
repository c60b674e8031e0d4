import { fork } from 'node:child_process'
import path from 'node:path'
import type { BenchSubject } from './subject.ts'
import { mebibytes, milliseconds, seconds } from './units.ts'

const DEVICE = path.resolve('bench/metadata-device.mjs')
const STEPS = ['make', 'open', 'receive', 'change'] as const

/** Nothing holds the event loop longer, but the collection of garbage. */
const TURN_AIM = 'turns under 10 ms'

/** The metadata of a space of many files, no content: what it takes to make, open, list, receive and change it. */
export function metadataScale(entries: number): BenchSubject {
  const count = entries.toLocaleString('en')
  return {
    name: 'metadata',
    measure: async (directory) => {
      const found: Record<string, number> = {}
      for (const step of STEPS) Object.assign(found, await run(step, directory, entries))
      if (found.isSame !== 1) throw new RangeError('the two devices show different trees')
      return found
    },
    rows: ({ of, largest }) => {
      const phase = (work: string, name: string, extra = '', aim: string = TURN_AIM) => ({
        work: `metadata of ${count} files: ${work}`,
        measured: `${seconds(of(`${name}OwnMs`))}${extra}; longest turn ${milliseconds(largest(`${name}Turn`))}, ${of(`${name}Over`)} over 10 ms`,
        baseline: '',
        ratio: '',
        aim,
      })
      const heap = `, heap ${mebibytes(of('heapBytes'))} (${(of('heapBytes') / entries).toFixed(0)} bytes a file), resident ${mebibytes(of('rssBytes'))}`
      return [
        phase('made, 5,000 at a time', 'make'),
        phase('opened', 'open', heap, '1,000,000: under 5 s and 1 GB'),
        phase('walked', 'walk', `, the first after ${milliseconds(of('firstMs'))}`, 'first within 0.3 s'),
        phase(`children of a directory of ${(entries / 10).toLocaleString('en')}`, 'children'),
        phase('first sync to an empty device, both here', 'receive'),
        phase('a directory renamed', 'rename'),
        phase('it is deleted', 'delete'),
      ]
    },
  }
}

function run(step: string, directory: string, entries: number): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    const child = fork(DEVICE, [step, directory, `${entries}`], { execArgv: ['--expose-gc'] })
    child.once('message', (found) => resolve(found as Record<string, number>))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the step "${step}" ended with ${code}`)))
  })
}

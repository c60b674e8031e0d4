import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { pair } from '../test/support/pairing.ts'
import { seededRandom } from '../test/support/tree.ts'
import { benchDevice } from './bench-device.ts'
import { rawTcp, wireBytesOf, withTwoHosts } from './bench-network.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { MIB, mebibytes, seconds } from './units.ts'

/**
 * One file of lines as programs log them to a device that has nothing of it; beside it the file as it is over plain TCP on the
 * same wire.
 *
 * @param mbit - rate of the wire in Mbit/s; 0 for no limit
 */
export function compression(bytes: number, mbit: number): BenchSubject {
  return {
    name: 'compression',
    measure: (directory) =>
      withTwoHosts(mbit, async (a, b) => {
        const file = path.join(directory, 'lines.log')
        await writeLines(file, bytes)
        const [alice, bob] = [benchDevice(directory, 'alice', a), benchDevice(directory, 'bob', b)]
        await alice.start()
        await bob.start()
        try {
          await pair(alice, bob)
          settle()
          const tcp = await rawTcp(a, b, file, path.join(directory, 'arrived.log'))
          await rm(path.join(directory, 'arrived.log'))
          settle()
          let time = 0
          const wire = await wireBytesOf(b, async () => {
            time = await timed(async () => {
              await alice.must('add', file)
              await bob.must('sync', '--timeout', '600')
            })
          })
          return { tcp, time, wire: wire.sent + wire.received }
        } finally {
          await alice.kill()
          await bob.kill()
        }
      }),
    rows: ({ of, ratio }) => [
      {
        work: `${mebibytes(bytes)} of log lines over a wire ${mbit === 0 ? 'without a limit' : `of ${mbit} Mbit/s`}`,
        measured: seconds(of('time')),
        baseline: `plain TCP: ${seconds(of('tcp'))}`,
        ratio: `${(1 / ratio('time', 'tcp')).toFixed(2)} x as fast`,
        aim: '',
      },
      {
        work: 'bytes on the wire, both ways',
        measured: mebibytes(of('wire')),
        baseline: `the file: ${mebibytes(bytes)}`,
        ratio: (of('wire') / bytes).toFixed(3),
        aim: '',
      },
    ],
  }
}

/** Lines with a time, a level, a path and some numbers: they shrink to about a fifth. */
async function writeLines(file: string, bytes: number): Promise<void> {
  const random = seededRandom(5)
  const one = (...words: string[]) => words[Math.floor(random() * words.length)] as string
  const number = (below: number) => Math.floor(random() * below)
  const handle = await open(file, 'w')
  try {
    let line = 0
    for (let written = 0; written < bytes; ) {
      let piece = ''
      while (piece.length < MIB) {
        const time = new Date(1_700_000_000_000 + 37 * line++ + number(30)).toISOString()
        const where = `/${one('files', 'spaces', 'peers')}/${number(1e6).toString(36)}/${number(1e9).toString(36)}`
        piece += `${time} ${one('debug', 'info', 'warn')} ${where} ${one('opened', 'stored', 'sent', 'closed')} bytes=${number(1e6)} ms=${number(1000)}\n`
      }
      const part = Buffer.from(piece).subarray(0, bytes - written)
      await handle.write(part)
      written += part.length
    }
  } finally {
    await handle.close()
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pair, peerAddress } from '../test/support/pairing.ts'
import { writeLargeFile, writeRandomTree } from '../test/support/tree.ts'
import { benchDevice } from './bench-device.ts'
import { residentBytes } from './memory.ts'
import { copyAndSync, settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { mebibytes, seconds } from './units.ts'

const RAW_TLS_PEER = path.resolve('bench/raw-tls-peer.mjs')

/** Sends a file over bare TLS between two processes; milliseconds from the sender's start to "it is on disk". */
async function rawTls(file: string, arrived: string): Promise<number> {
  const receiver = spawn(process.execPath, [RAW_TLS_PEER, 'receive', arrived], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: receiver.stdout })
  const [port] = (await once(lines, 'line')) as [string]
  const ended = once(receiver, 'exit')
  const ms = await timed(async () => {
    const sender = spawn(process.execPath, [RAW_TLS_PEER, 'send', port, file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [status] = (await once(sender, 'exit')) as [number | null]
    if (status !== 0) throw new Error(`the raw TLS sender ended with ${status}`)
  })
  await ended
  return ms
}

/** Adding and moving one large file and many small ones, without live folders, and the memory that takes. */
export function transfers(largeBytes: number, smallFiles: number): BenchSubject {
  return {
    name: 'transfers',
    measure: async (directory) => {
      const large = path.join(directory, 'large.bin')
      await writeLargeFile(large, largeBytes, 1)
      const small = path.join(directory, 'small')
      await writeRandomTree(small, { files: smallFiles, maxFileBytes: 32 * 1024, seed: 2 })

      settle()
      const copy = await timed(() => copyAndSync(large, path.join(directory, 'copy.bin')))
      await rm(path.join(directory, 'copy.bin'))
      const twin = path.join(directory, 'twin.bin')
      await copyFile(large, twin)

      const [alice, bob] = [benchDevice(directory, 'alice'), benchDevice(directory, 'bob')]
      await alice.start()
      await bob.start()
      try {
        await pair(alice, bob)
        const idle = (await residentBytes(bob.daemonPid!)).now
        await bob.stop()

        settle()
        const add = await timed(() => alice.must('add', large))
        const addAgain = await timed(() => alice.must('add', large, '--as', 'again.bin'))
        const addTwin = await timed(() => alice.must('add', twin))
        await rm(twin)

        settle()
        const raw = await rawTls(large, path.join(directory, 'raw.bin'))
        await rm(path.join(directory, 'raw.bin'))

        settle()
        await bob.start('--peer', peerAddress(alice))
        const sync = await timed(() => bob.must('sync', '--timeout', '600'))
        const peaks = [await residentBytes(bob.daemonPid!), await residentBytes(alice.daemonPid!)]
        await bob.stop()

        await alice.must('add', small)
        settle()
        await bob.start('--peer', peerAddress(alice))
        const smallSync = await timed(() => bob.must('sync', '--timeout', '600'))
        const peak = Math.max(...peaks.map((one) => one.peak))
        return { copy, add, addAgain, addTwin, rawTls: raw, sync, smallSync, idle, peak }
      } finally {
        await alice.kill()
        await bob.kill()
      }
    },
    rows: ({ of, ratio }) => [
      {
        work: `add ${mebibytes(largeBytes)} of random bytes, group durability`,
        measured: seconds(of('add')),
        baseline: `cp and fsync: ${seconds(of('copy'))}`,
        ratio: ratio('add', 'copy').toFixed(2),
        aim: 'at most 1.3',
      },
      {
        work: 'add the same bytes again under another name',
        measured: seconds(of('addAgain')),
        baseline: `the first time: ${seconds(of('add'))}`,
        ratio: ratio('addAgain', 'add').toFixed(2),
        aim: 'at most 0.33',
      },
      {
        work: 'add a copy of the file, which has to be read',
        measured: seconds(of('addTwin')),
        baseline: `the first time: ${seconds(of('add'))}`,
        ratio: ratio('addTwin', 'add').toFixed(2),
        aim: '',
      },
      {
        work: `sync ${mebibytes(largeBytes)} between two daemons on loopback`,
        measured: seconds(of('sync')),
        baseline: `raw TLS stream to disk: ${seconds(of('rawTls'))}`,
        ratio: ratio('sync', 'rawTls').toFixed(2),
        aim: 'at most 1.5',
      },
      {
        work: `sync ${smallFiles} files of 0 to 32 KiB`,
        measured: seconds(of('smallSync')),
        baseline: '',
        ratio: `${(smallFiles / (of('smallSync') / 1000)).toFixed(0)} files/s`,
        aim: 'at least 2000 files/s',
      },
      { work: 'daemon, idle', measured: mebibytes(of('idle')), baseline: '', ratio: '', aim: 'under 100 MB' },
      {
        work: 'daemon, peak while adding and moving the large file',
        measured: mebibytes(of('peak')),
        baseline: '',
        ratio: '',
        aim: 'under 400 MB',
      },
    ],
  }
}

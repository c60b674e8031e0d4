/**
 * The benchmarks: one table, each row a ratio to something measured beside it in the same run.
 *
 * Usage: npm run bench [-- --quick] [--repeat N] [--large MIB] [--small FILES]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { pair, peerAddress } from '../test/support/pairing.ts'
import { ProcessDevice } from '../test/support/process-device.ts'
import { writeLargeFile, writeRandomTree } from '../test/support/tree.ts'
import { residentBytes } from './memory.ts'
import { copyAndSync, settle, timed, withScratch } from './scratch.ts'
import { type BenchRow, formatTable, median } from './table.ts'

const MIB = 1024 ** 2
const RAW_TLS_PEER = path.resolve('bench/raw-tls-peer.mjs')

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    repeat: { type: 'string' },
    large: { type: 'string' },
    small: { type: 'string' },
  },
})
const repeat = Number(values.repeat ?? (values.quick ? 1 : 3))
const largeBytes = Number(values.large ?? (values.quick ? 128 : 1024)) * MIB
const smallFiles = Number(values.small ?? (values.quick ? 2000 : 10_000))

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
const mebibytes = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`

function device(directory: string, name: string): ProcessDevice {
  return new ProcessDevice({
    home: path.join(directory, `home-${name}`),
    name,
    daemonArgs: ['--host', '127.0.0.1', '--no-mdns', '--no-beacon'],
  })
}

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

interface Sample {
  copy: number
  add: number
  addAgain: number
  rawTls: number
  sync: number
  smallSync: number
  idle: number
  peak: number
}

async function sample(directory: string): Promise<Sample> {
  const large = path.join(directory, 'large.bin')
  await writeLargeFile(large, largeBytes, 1)
  const small = path.join(directory, 'small')
  await writeRandomTree(small, { files: smallFiles, maxFileBytes: 32 * 1024, seed: 2 })

  settle()
  const copy = await timed(() => copyAndSync(large, path.join(directory, 'copy.bin')))
  await rm(path.join(directory, 'copy.bin'))

  const [alice, bob] = [device(directory, 'alice'), device(directory, 'bob')]
  await alice.start()
  await bob.start()
  try {
    await pair(alice, bob)
    const idle = (await residentBytes(bob.daemonPid!)).now
    await bob.stop()

    settle()
    const add = await timed(() => alice.must('add', large))
    const addAgain = await timed(() => alice.must('add', large, '--as', 'again.bin'))

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
    return {
      copy,
      add,
      addAgain,
      rawTls: raw,
      sync,
      smallSync,
      idle,
      peak: Math.max(...peaks.map((peak) => peak.peak)),
    }
  } finally {
    await alice.kill()
    await bob.kill()
  }
}

const samples: Sample[] = []
for (let i = 0; i < repeat; i++) {
  process.stderr.write(`bench: run ${i + 1} of ${repeat}\n`)
  samples.push(
    await withScratch(async (directory) => {
      await mkdir(directory, { recursive: true })
      return sample(directory)
    }),
  )
}

const of = (key: keyof Sample) => median(samples.map((one) => one[key]))
const ratio = (a: keyof Sample, b: keyof Sample) => median(samples.map((one) => one[a] / one[b]))
const rows: BenchRow[] = [
  {
    work: `add ${mebibytes(largeBytes)} of random bytes, group durability`,
    measured: seconds(of('add')),
    baseline: `cp and fsync: ${seconds(of('copy'))}`,
    ratio: ratio('add', 'copy').toFixed(2),
    aim: 'at most 2',
  },
  {
    work: 'add the same bytes again under another name',
    measured: seconds(of('addAgain')),
    baseline: `the first time: ${seconds(of('add'))}`,
    ratio: ratio('addAgain', 'add').toFixed(2),
    aim: '',
  },
  {
    work: `sync ${mebibytes(largeBytes)} between two daemons on loopback`,
    measured: seconds(of('sync')),
    baseline: `raw TLS stream to disk: ${seconds(of('rawTls'))}`,
    ratio: ratio('sync', 'rawTls').toFixed(2),
    aim: 'at most 2.5',
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
]
process.stdout.write(`${formatTable(rows)}\n`)

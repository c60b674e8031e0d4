import { fork } from 'node:child_process'
import { mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { NFS_PROCEDURES, NfsBenchClient, offsetWords, words } from './nfs-client.ts'
import { withScratch } from './scratch.ts'
import { type BenchRow, median } from './table.ts'
import { MIB } from './units.ts'

const SERVER = path.resolve('bench/nfs-server.mjs')
const TRANSFER_BYTES = MIB
const SMALL_BYTES = 4096
/** Calls on their way at once: of a kernel client that reads ahead, and of a program with a few threads. */
const LARGE_WINDOW = 8
const SMALL_WINDOW = 16
const UNSTABLE = 0

export interface NfsBenchInit {
  /** Of the file that is written and read, a multiple of 1 MiB. */
  bytes: number
  operations: number
  repeat: number
}

/** One kind of work: what it is counted in, and how many a second. */
interface Work {
  readonly name: string
  readonly unit: 'MiB/s' | '/s'
}

const WORKS: readonly Work[] = [
  { name: 'write in order, 1 MiB a call, then commit', unit: 'MiB/s' },
  { name: 'read in order, 1 MiB a call', unit: 'MiB/s' },
  { name: 'write 4 KiB anywhere', unit: '/s' },
  { name: 'read 4 KiB anywhere', unit: '/s' },
  { name: 'create', unit: '/s' },
  { name: 'stat', unit: '/s' },
  { name: 'list with attributes, entries', unit: '/s' },
  { name: 'remove', unit: '/s' },
]

/** NFS over loopback to a volume in the memory of another process, beside the same work in a local directory. */
export async function nfsRows(init: NfsBenchInit): Promise<BenchRow[]> {
  const measured: number[][] = []
  const baseline: number[][] = []
  for (let i = 0; i < init.repeat; i++) {
    process.stderr.write(`bench: NFS, run ${i + 1} of ${init.repeat}\n`)
    measured.push(await overNfs(init))
    baseline.push(await withScratch((folder) => inDirectory(folder, init)))
  }
  return WORKS.map(({ name, unit }, index) => {
    const rate = median(measured.map((rates) => rates[index]!))
    const local = median(baseline.map((rates) => rates[index]!))
    return {
      work: `NFS: ${name}`,
      measured: `${rate.toFixed(0)} ${unit}`,
      baseline: `local directory: ${local.toFixed(0)} ${unit}`,
      ratio: (rate / local).toFixed(2),
      aim: '',
    }
  })
}

const perSecond = (count: number, ms: number): number => count / (ms / 1000)

/** Offsets that are the same in every run, all over the file. */
const scattered = (index: number, bytes: number): number =>
  ((index * 7919) % Math.floor(bytes / SMALL_BYTES)) * SMALL_BYTES

async function overNfs({ bytes, operations }: NfsBenchInit): Promise<number[]> {
  const server = fork(SERVER, { execArgv: [] })
  try {
    const { port } = await new Promise<{ port: number }>((resolve, reject) => {
      server.once('message', (message) => resolve(message as { port: number }))
      server.once('exit', (code) => reject(new Error(`the NFS server ended with ${code}`)))
    })
    const client = await NfsBenchClient.connect(port)
    const root = await client.mount()
    const rates = [
      ...(await contentOverNfs(client, root, { bytes, operations })),
      ...(await treeOverNfs(client, root, operations)),
    ]
    client.close()
    return rates
  } finally {
    server.kill('SIGKILL')
  }
}

async function contentOverNfs(
  client: NfsBenchClient,
  root: Buffer,
  { bytes, operations }: Omit<NfsBenchInit, 'repeat'>,
): Promise<number[]> {
  const file = await client.create(root, 'large')
  const count = bytes / TRANSFER_BYTES
  const content = words(Buffer.alloc(TRANSFER_BYTES, 7))
  const small = words(Buffer.alloc(SMALL_BYTES, 9))
  const { READ, WRITE, COMMIT } = NFS_PROCEDURES
  const write = await client.run(WRITE, count, LARGE_WINDOW, (i) => [
    words(file, ...offsetWords(i * TRANSFER_BYTES), TRANSFER_BYTES, UNSTABLE),
    content,
  ])
  const commit = await client.run(COMMIT, 1, 1, () => [words(file, 0, 0, 0)])
  const read = await client.run(READ, count, LARGE_WINDOW, (i) => [
    words(file, ...offsetWords(i * TRANSFER_BYTES), TRANSFER_BYTES),
  ])
  const smallWrite = await client.run(WRITE, operations, SMALL_WINDOW, (i) => [
    words(file, ...offsetWords(scattered(i, bytes)), SMALL_BYTES, UNSTABLE),
    small,
  ])
  const smallRead = await client.run(READ, operations, SMALL_WINDOW, (i) => [
    words(file, ...offsetWords(scattered(i, bytes)), SMALL_BYTES),
  ])
  return [
    perSecond(bytes / MIB, write + commit),
    perSecond(bytes / MIB, read),
    perSecond(operations, smallWrite),
    perSecond(operations, smallRead),
  ]
}

async function treeOverNfs(client: NfsBenchClient, root: Buffer, operations: number): Promise<number[]> {
  const { CREATE, LOOKUP, REMOVE } = NFS_PROCEDURES
  const place = (i: number): [Buffer, Buffer] => [root, Buffer.from(`file ${i}`)]
  const create = await client.run(CREATE, operations, SMALL_WINDOW, (i) => [words(...place(i), 1, 0, 0, 0, 0, 0, 0)])
  const lookup = await client.run(LOOKUP, operations, SMALL_WINDOW, (i) => [words(...place(i))])
  const startedMs = performance.now()
  const entries = await client.list(root)
  const list = performance.now() - startedMs
  const remove = await client.run(REMOVE, operations, SMALL_WINDOW, (i) => [words(...place(i))])
  return [
    perSecond(operations, create),
    perSecond(operations, lookup),
    perSecond(entries, list),
    perSecond(operations, remove),
  ]
}

async function inDirectory(folder: string, { bytes, operations }: NfsBenchInit): Promise<number[]> {
  const file = await open(path.join(folder, 'large'), 'w+')
  const content = Buffer.alloc(TRANSFER_BYTES, 7)
  const small = Buffer.alloc(SMALL_BYTES, 9)
  const count = bytes / TRANSFER_BYTES
  const write = await timed(count, LARGE_WINDOW, (i) => file.write(content, 0, TRANSFER_BYTES, i * TRANSFER_BYTES))
  const commit = await timed(1, 1, () => file.datasync())
  const target = (): Buffer => Buffer.allocUnsafe(TRANSFER_BYTES)
  const read = await timed(count, LARGE_WINDOW, (i) => file.read(target(), 0, TRANSFER_BYTES, i * TRANSFER_BYTES))
  const smallWrite = await timed(operations, SMALL_WINDOW, (i) =>
    file.write(small, 0, SMALL_BYTES, scattered(i, bytes)),
  )
  const smallRead = await timed(operations, SMALL_WINDOW, (i) =>
    file.read(Buffer.allocUnsafe(SMALL_BYTES), 0, SMALL_BYTES, scattered(i, bytes)),
  )
  await file.close()
  const tree = path.join(folder, 'tree')
  await mkdir(tree)
  const place = (i: number): string => path.join(tree, `file ${i}`)
  const create = await timed(operations, SMALL_WINDOW, (i) => writeFile(place(i), '', { flag: 'wx' }))
  const look = await timed(operations, SMALL_WINDOW, (i) => stat(place(i)))
  const list = await timed(1, 1, async () => {
    const names = await readdir(tree)
    await timed(names.length, SMALL_WINDOW, (i) => stat(path.join(tree, names[i]!)))
  })
  const remove = await timed(operations, SMALL_WINDOW, (i) => rm(place(i)))
  return [
    perSecond(bytes / MIB, write + commit),
    perSecond(bytes / MIB, read),
    ...[smallWrite, smallRead, create, look, list, remove].map((ms) => perSecond(operations, ms)),
  ]
}

/** Milliseconds for `count` operations, `window` of them at once. */
async function timed(count: number, window: number, operate: (index: number) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) await operate(next++)
  }
  await Promise.all(Array.from({ length: Math.min(window, count) }, work))
  return performance.now() - startedMs
}

import { copyFile, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pair } from '../test/support/pairing.ts'
import { randomBytes, writeLargeFile } from '../test/support/tree.ts'
import { benchDevice } from './bench-device.ts'
import { wireBytesOf, withTwoHosts } from './bench-network.ts'
import { RsyncPeer, type RsyncWay, rsyncUnavailable } from './rsync-peer.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { kibibytes, MIB, mebibytes, seconds } from './units.ts'

const EDITS = ['overwrite', 'append', 'insert'] as const
type Edit = (typeof EDITS)[number]

const TITLES: Readonly<Record<Edit, string>> = {
  overwrite: 'overwrite 1 MiB in the middle',
  append: 'append 1 MiB',
  insert: 'insert 1 byte at the start',
}

/**
 * Small changes of a large file: what goes over the wire, and how long until the other side has them, verified and durable;
 * beside it rsync between the same two hosts.
 */
export function edits(bytes: number, mbit: number): BenchSubject {
  const ways = (['ssh', 'daemon'] as const).filter((way) => {
    const missing = rsyncUnavailable(way)
    if (missing !== undefined) process.stderr.write(`bench: no row with rsync (${way}): there is no ${missing}\n`)
    return missing === undefined
  })
  return {
    name: 'edits',
    measure: (directory) =>
      withTwoHosts(mbit, async (a, b) => {
        const file = path.join(directory, 'large.bin')
        await writeLargeFile(file, bytes, 1)
        const alice = benchDevice(directory, 'alice', a)
        const bob = benchDevice(directory, 'bob', b)
        const peers: RsyncPeer[] = []
        const sample: Record<string, number> = {}
        const note = async (key: string, body: () => Promise<unknown>) => {
          settle(1024)
          const wire = await wireBytesOf(b, async () => {
            sample[`${key} time`] = await timed(body)
          })
          sample[`${key} wire`] = wire.sent + wire.received
        }
        try {
          await alice.start()
          await bob.start()
          await pair(alice, bob)
          await alice.must('add', file)
          await bob.must('sync', '--timeout', '600')
          for (const way of ways) {
            const state = path.join(directory, `rsync-${way}`)
            const peer = await RsyncPeer.start(way, a, b, state, path.join(state, 'target'))
            peers.push(peer)
            await peer.push(file)
          }
          for (const edit of EDITS) {
            await change(file, bytes, edit)
            for (const [at, peer] of peers.entries()) await note(`${ways[at]} ${edit}`, () => peer.push(file))
            await note(`ours ${edit}`, async () => {
              await alice.must('add', file)
              await bob.must('sync', '--timeout', '600')
            })
          }
          return sample
        } finally {
          for (const peer of peers) await peer.stop()
          await alice.kill()
          await bob.kill()
        }
      }),
    rows: ({ of, ratio }) =>
      EDITS.flatMap((edit) =>
        ways.flatMap((way: RsyncWay) => [
          {
            work: `${TITLES[edit]} of ${mebibytes(bytes)}: bytes on the wire, both ways`,
            measured: kibibytes(of(`ours ${edit} wire`)),
            baseline: `rsync (${way}): ${kibibytes(of(`${way} ${edit} wire`))}`,
            ratio: ratio(`ours ${edit} wire`, `${way} ${edit} wire`).toFixed(2),
            aim: way === 'ssh' ? 'at most 1.1' : '',
          },
          {
            work: 'until it is there',
            measured: seconds(of(`ours ${edit} time`)),
            baseline: `rsync (${way}): ${seconds(of(`${way} ${edit} time`))}`,
            ratio: ratio(`ours ${edit} time`, `${way} ${edit} time`).toFixed(2),
            aim: way === 'ssh' ? 'at most 1' : '',
          },
        ]),
      ),
  }
}

async function change(file: string, bytes: number, edit: Edit): Promise<void> {
  if (edit !== 'insert') {
    const handle = await open(file, 'r+')
    await handle.write(randomBytes(MIB, edit === 'append' ? 77 : 78), 0, MIB, edit === 'append' ? bytes : bytes / 2)
    await handle.close()
    return
  }
  const beside = `${file}.new`
  await copyFile(file, beside)
  const [from, to] = [await open(file, 'r'), await open(beside, 'r+')]
  await to.write(Buffer.from('+'), 0, 1, 0)
  const piece = Buffer.alloc(4 * MIB)
  for (let at = 0; ; ) {
    const { bytesRead } = await from.read(piece, 0, piece.length, at)
    if (bytesRead === 0) break
    await to.write(piece, 0, bytesRead, at + 1)
    at += bytesRead
  }
  await Promise.all([from.close(), to.close()])
  await rm(file)
  await rename(beside, file)
}

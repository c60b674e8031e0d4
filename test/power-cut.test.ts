import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { DEFAULT_TRANSFER_BYTES, MAX_REQUEST_BYTES } from '@dittofs/sync'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { pair, peerAddress } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'
import { describeTree, seededRandom, writeLargeFile, writeRandomTree } from './support/tree.ts'

const MIB = 1024 ** 2
const CUTS = 10
/** All of it on request, which takes long; otherwise as much as the cuts need to come in the middle. */
const isWhole = process.env.DITTOFS_CUT === 'whole'
const SIZE = isWhole ? { largeBytes: 1024 * MIB, files: 20_000 } : { largeBytes: 512 * MIB, files: 2000 }
/**
 * What a cut may cost: what was asked for and was not in the store yet, which the budget of all transfers bounds; the last
 * request may go past it. A killed process loses nothing of what it has written.
 */
const IN_FLIGHT_BYTES = DEFAULT_TRANSFER_BYTES + MAX_REQUEST_BYTES
/** Frames, records and the metadata of the tree, beside the content. */
const OVERHEAD = 0.01

interface Status {
  chunks: { bytes: number }
  spaces: { missingBytes: number }[]
}

/** Waits until the device holds at least `bytes` of content, by asking it again and again. */
async function untilHeld(device: ProcessDevice, bytes: number): Promise<void> {
  while ((await device.json<Status>('status')).chunks.bytes < bytes);
}

describe('a transfer that is cut by the death of a process', () => {
  const seed = Number(process.env.DITTOFS_TEST_SEED ?? Date.now() % 1_000_000)

  it(`goes on where it was after kill -9 of either side at ten moments (seed ${seed})`, {
    timeout: 7_200_000,
  }, async () => {
    const random = seededRandom(seed)
    const directory = await temporaryDirectory()
    const devices = onLoopback(directory, ['alice', 'bob'])
    const [alice, bob] = devices
    await alice.start()
    await bob.start()
    await pair(alice, bob)

    const source = path.join(directory, 'source')
    await mkdir(source)
    await writeLargeFile(path.join(source, 'large.bin'), SIZE.largeBytes, seed)
    await writeRandomTree(path.join(source, 'tree'), { files: SIZE.files, maxFileBytes: 32_768, seed })
    await bob.kill()
    await alice.must('add', source)
    const { chunks } = await alice.json<Status>('status')

    const sent = () => alice.metric('dittofs_link_sent_bytes_total')
    const held = async () => (await bob.json<Status>('status')).chunks.bytes
    const cuts: { cameBytes: number; keptBytes: number }[] = []
    let heldBefore = 0
    let sentBefore = await sent()
    const moments = Array.from({ length: CUTS }, () => random()).sort((a, b) => a - b)
    for (const moment of moments) {
      await bob.start('--peer', peerAddress(alice))
      await untilHeld(bob, moment * chunks.bytes)
      let cameBytes: number
      if (random() < 0.5) {
        await bob.kill()
        // Whoever is dead cannot be asked: what the other one sent is at least as much.
        cameBytes = (await sent()) - sentBefore
      } else {
        await alice.kill()
        cameBytes = await bob.metric('dittofs_link_received_bytes_total')
        await bob.kill()
        await alice.start()
      }
      sentBefore = await sent()
      // What it holds now it will not fetch again.
      const keptBytes = (await held()) - heldBefore
      heldBefore += keptBytes
      cuts.push({ cameBytes, keptBytes })
    }
    await bob.start('--peer', peerAddress(alice))
    await bob.must('sync', '--timeout', '300')
    cuts.push({
      cameBytes: await bob.metric('dittofs_link_received_bytes_total'),
      keptBytes: chunks.bytes - heldBefore,
    })

    expect(await bob.json('verify')).toMatchObject({ damaged: [] })
    expect(await alice.json('verify')).toMatchObject({ damaged: [] })
    await bob.must('get', 'source', '-o', path.join(directory, 'arrived'))
    expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
    const tooMuch = cuts.filter(({ cameBytes, keptBytes }) => cameBytes * (1 - OVERHEAD) - keptBytes > IN_FLIGHT_BYTES)
    expect(tooMuch).toEqual([])
  })
})

import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { TestHost } from '../test/support/network.ts'
import { pair } from '../test/support/pairing.ts'
import { writeLargeFile } from '../test/support/tree.ts'
import { benchDevice } from './bench-device.ts'
import { rawTcp, wireBytesOf, withTwoHosts } from './bench-network.ts'
import { withDistantHosts } from './distant-hosts.ts'
import { settle, timed } from './scratch.ts'
import type { BenchSubject } from './subject.ts'
import { mebibytes, seconds } from './units.ts'

/** What of the wire's rate raw TCP reaches that DittoFS is to reach as well. */
const AIMS = { near: 'at least 0.98', far: 'at least 0.95' } as const

/**
 * One file over a wire of some rate, near and far, beside the same file over plain TCP. Both devices are connected; the time
 * is from the end of `dittofs add` on one until `dittofs sync`, begun then, has returned on the other: all of the file is
 * verified and durable there.
 *
 * @param mbit - rate of the wire in Mbit/s
 * @param roundTripMs - of the far one
 */
export function wire(bytes: number, mbit: number, roundTripMs: number): BenchSubject {
  return {
    name: 'wire',
    measure: async (directory) => ({
      ...(await withTwoHosts(mbit, (a, b) => measure(path.join(directory, 'near'), 'near', bytes, a, b))),
      ...(await withDistantHosts({ mbit, roundTripMs }, (a, b) =>
        measure(path.join(directory, 'far'), 'far', bytes, a, b),
      )),
    }),
    rows: ({ of, ratio }) =>
      (['near', 'far'] as const).map((where) => ({
        work: `${mebibytes(bytes)} at ${mbit} Mbit/s${where === 'far' ? ` and ${roundTripMs} ms of round trip` : ''}`,
        measured: `${seconds(of(`${where}Sync`))}, ${(of(`${where}Wire`) / bytes).toFixed(4)} times the bytes`,
        baseline: `plain TCP: ${seconds(of(`${where}Tcp`))}`,
        ratio: `${(1 / ratio(`${where}Sync`, `${where}Tcp`)).toFixed(3)} x its rate`,
        aim: AIMS[where],
      })),
  }
}

async function measure(
  directory: string,
  where: 'near' | 'far',
  bytes: number,
  a: TestHost,
  b: TestHost,
): Promise<Record<string, number>> {
  await mkdir(directory)
  const file = path.join(directory, 'file.bin')
  const [alice, bob] = [benchDevice(directory, 'alice', a), benchDevice(directory, 'bob', b)]
  await alice.start()
  await bob.start()
  try {
    await pair(alice, bob)
    await writeLargeFile(file, bytes, 7)
    settle()
    const tcp = await rawTcp(a, b, file, path.join(directory, 'arrived.bin'))
    await rm(path.join(directory, 'arrived.bin'))
    settle()
    await alice.must('add', file)
    let sync = 0
    const onWire = await wireBytesOf(b, async () => {
      sync = await timed(() => bob.must('sync', '--timeout', '600'))
    })
    return { [`${where}Tcp`]: tcp, [`${where}Sync`]: sync, [`${where}Wire`]: onWire.received + onWire.sent }
  } finally {
    await alice.kill()
    await bob.kill()
  }
}

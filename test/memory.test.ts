import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { mustRunAll } from './support/environment.ts'
import { onLoopback } from './support/lan.ts'
import { pair } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'
import { writeLargeFile } from './support/tree.ts'

const MIB = 1024 ** 2
/** Larger than the memory allowed: it cannot be held whole. Only on request, since it takes a while. */
const FILE_BYTES = 512 * MIB
const MAX_IDLE_BYTES = 100_000_000
const MAX_PEAK_BYTES = 400_000_000

/** Resident bytes of a daemon now, and at most since its start. @see proc(5), VmRSS and VmHWM */
async function residentBytes(device: ProcessDevice): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${device.daemonPid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

describe.runIf(process.platform === 'linux' && mustRunAll)('the memory of a daemon', () => {
  it('stays under 100 MB with nothing to do, and under 400 MB while a file larger than that arrives', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    await bob.must('sync', '--timeout', '300')
    for (const device of [alice, bob]) expect((await residentBytes(device)).now).toBeLessThan(MAX_IDLE_BYTES)

    const file = path.join(directory, 'large.bin')
    await writeLargeFile(file, FILE_BYTES, 5)
    await alice.must('add', file)
    await bob.must('sync', '--timeout', '300')
    expect(await bob.json('list', '--missing')).toEqual([])
    for (const device of [alice, bob]) expect((await residentBytes(device)).peak).toBeLessThan(MAX_PEAK_BYTES)
  })
})

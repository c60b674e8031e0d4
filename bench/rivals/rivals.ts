import { renameSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from '../../test/support/tree.ts'
import { wireBytesOf, withTwoHosts } from '../bench-network.ts'
import { untilShown } from '../live-pair.ts'
import { settle, timed } from '../scratch.ts'
import type { BenchSubject } from '../subject.ts'
import { median } from '../table.ts'
import { GIB, KIB } from '../units.ts'
import { dittofsPoolRival, dittofsRival } from './dittofs-rival.ts'
import { rawTlsRival } from './raw-tls-rival.ts'
import type { Rival, RivalSession, RivalStep, RunningRival } from './rival.ts'
import { copyInto, LARGE, requireSame, TREE, writeLarge, writeTree } from './rival-data.ts'
import { type RivalKeys, rivalRows } from './rival-rows.ts'
import { rsyncRival } from './rsync-rival.ts'
import { withSessionDisk } from './session-disk.ts'
import { syncthingRival } from './syncthing-rival.ts'
import { unisonRival } from './unison-rival.ts'

const RIVALS: readonly Rival[] = [
  dittofsRival(),
  dittofsPoolRival(),
  rawTlsRival('tree'),
  rawTlsRival('file'),
  rsyncRival('daemon'),
  rsyncRival('ssh'),
  unisonRival(),
  syncthingRival({ key: 'syncthing', title: 'Syncthing', watcherDelayS: 0 }),
  syncthingRival({ key: 'syncthing-watch', title: 'Syncthing as delivered', watcherDelayS: 10 }),
  syncthingRival({ key: 'syncthing-watch-1s', title: 'Syncthing, delay 1 s', watcherDelayS: 1 }),
]
const NEW_FILE_BYTES = KIB
const RENAMED = 'renamed'
/** What both sides still tell each other when it is there counts as bytes on the wire. */
const SAID_AFTERWARDS_MS = 500

export interface RivalsInit {
  /** Files of the steps `tree` and `one`. */
  readonly files: number
  /** Size of the large file. */
  readonly bytes: number
  /** New files of the step `one`. */
  readonly writes: number
  readonly steps: readonly string[]
  /** Keys of the contenders beside DittoFS; `undefined`: every one. */
  readonly against: readonly string[] | undefined
}

/** The same work done by others, each with two hosts and a disk of its own. */
export function rivals({ files, bytes, writes, steps, against }: RivalsInit): BenchSubject {
  const chosen = (step: RivalStep) => (steps.includes(step) ? contenders(step, against) : [])
  const running = { tree: chosen('tree'), file: chosen('file'), one: chosen('one') }
  return {
    name: 'rivals',
    measure: async (directory) => {
      const sample: Record<string, number> = {}
      for (const step of ['tree', 'file', 'one'] as const) {
        if (running[step].length === 0) continue
        const original = path.join(directory, step === 'file' ? LARGE : TREE)
        if (step === 'file') await writeLarge(original, bytes)
        else sample['tree bytes'] = await writeTree(original, files)
        for (const rival of running[step]) {
          process.stderr.write(`bench: ${step}, ${rival.title}\n`)
          const measured = await withSession(directory, step, rival, (session, one) =>
            measureStep(session, one, { rival, original, writes }),
          )
          for (const [key, value] of Object.entries(measured)) sample[`${step} ${rival.key} ${key}`] = value
        }
        await rm(original, { recursive: true })
      }
      return sample
    },
    rows: (samples) => {
      const keys: RivalKeys = running
      return rivalRows(samples, keys, { files, bytes, writes })
    },
  }
}

/** DittoFS and the chosen others; those that cannot be run here are named and left out. */
function contenders(step: RivalStep, against: readonly string[] | undefined): readonly Rival[] {
  return RIVALS.filter((rival) => {
    const isChosen = rival.key.startsWith('dittofs') || against === undefined || against.includes(rival.key)
    if (!isChosen || !rival.steps.includes(step)) return false
    const missing = rival.missing()
    if (missing !== undefined) process.stderr.write(`bench: no row with ${rival.title}: there is no ${missing}\n`)
    return missing === undefined
  })
}

async function withSession<T>(
  directory: string,
  step: RivalStep,
  rival: Rival,
  body: (session: RivalSession, running: RunningRival) => Promise<T>,
): Promise<T> {
  const place = await mkdtemp(path.join(directory, `${step}-`))
  try {
    return await withSessionDisk(place, 12 * GIB, (disk) =>
      withTwoHosts(0, async (from, to) => {
        const at = (name: string) => path.join(disk, name)
        const session = { step, from, to, source: at('source'), target: at('target'), state: at('state') }
        for (const made of [session.source, session.target, session.state]) await mkdir(made)
        const running = await rival.start(session)
        try {
          return await body(session, running)
        } finally {
          await running.stop()
        }
      }),
    )
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

interface StepInit {
  readonly rival: Rival
  readonly original: string
  readonly writes: number
}

async function measureStep(
  session: RivalSession,
  running: RunningRival,
  { rival, original, writes }: StepInit,
): Promise<Record<string, number>> {
  const { step, source, target, to } = session
  const measured: Record<string, number> = {}
  const note = async (prefix: string, body: () => Promise<unknown>) => {
    settle()
    const wire = await wireBytesOf(to, async () => {
      measured[`${prefix}time`] = await timed(body)
      await sleep(SAID_AFTERWARDS_MS)
    })
    measured[`${prefix}wire`] = wire.sent + wire.received
    if (rival.makesFiles) requireSame(source, target)
  }
  copyInto(original, source)
  await note('', () => running.sync(path.basename(original)))
  if (step === 'tree' && rival.canRename) {
    await note('rename ', async () => {
      renameSync(path.join(source, TREE), path.join(source, RENAMED))
      await running.sync(RENAMED)
    })
  }
  if (step === 'one') {
    const taken: number[] = []
    for (let at = 0; at < writes; at++) {
      const name = path.join(TREE, 'directory 0', `new ${at}.bin`)
      const content = randomBytes(NEW_FILE_BYTES, 1_000_000 + at)
      taken.push(
        await timed(async () => {
          writeFileSync(path.join(source, name), content)
          await untilShown(path.join(target, name), NEW_FILE_BYTES)
        }),
      )
    }
    measured.middle = median(taken)
    measured.worst = Math.max(...taken)
  }
  return measured
}

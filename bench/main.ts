/**
 * The benchmarks: one table, each row a ratio to something measured beside it in the same run.
 *
 * Usage: npm run bench [-- SUBJECT ...] [--quick] [--repeat N] [--only SUBJECT,...] [--large MIB] [--small FILES]
 *   [--live FILES] [--writes N] [--rescan FILES] [--linked MIB] [--compared MIB] [--rate MBIT] [--delay MS] [--nodes N]
 *   [--steps tree,file,one] [--against CONTENDER,...]
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { compare } from './compare.ts'
import { compression } from './compression.ts'
import { edits } from './edits.ts'
import { gateways } from './gateways.ts'
import { liveFirstLink } from './live-first-link.ts'
import { liveLatency } from './live-latency.ts'
import { liveOverhead } from './live-overhead.ts'
import { liveRename } from './live-rename.ts'
import { liveRescan } from './live-rescan.ts'
import { metadataScale } from './metadata-scale.ts'
import { nfsRows } from './nfs.ts'
import { RIVAL_STEPS } from './rivals/rival.ts'
import { rivals } from './rivals/rivals.ts'
import { withScratch } from './scratch.ts'
import type { BenchSubject, Samples } from './subject.ts'
import { type BenchRow, formatTable, median } from './table.ts'
import { transfers } from './transfers.ts'
import { MIB } from './units.ts'
import { webrtcRows } from './webrtc.ts'
import { wire } from './wire.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    repeat: { type: 'string' },
    only: { type: 'string' },
    large: { type: 'string' },
    small: { type: 'string' },
    live: { type: 'string' },
    writes: { type: 'string' },
    rescan: { type: 'string' },
    linked: { type: 'string' },
    compared: { type: 'string' },
    rate: { type: 'string' },
    delay: { type: 'string' },
    nodes: { type: 'string' },
    steps: { type: 'string' },
    against: { type: 'string' },
    webrtc: { type: 'boolean', default: false },
    nfs: { type: 'boolean', default: false },
  },
})
const size = (given: string | undefined, whole: number, quick: number) =>
  Number(given ?? (values.quick ? quick : whole))
const repeat = size(values.repeat, 3, 1)
const liveFiles = size(values.live, 10_000, 2000)
const writes = size(values.writes, 100, 30)

// Processes of its own and a baseline of its own: not one of the subjects below.
if (values.webrtc) {
  const bytes = size(values.large, 128, 32) * MIB
  const near = await webrtcRows({ bytes, repeat, delayMs: 0 })
  const far = await webrtcRows({ bytes: Math.min(bytes, 32 * MIB), repeat, delayMs: 25 })
  process.stdout.write(`${formatTable([...near, ...far])}\n`)
  process.exit()
}

if (values.nfs) {
  const bytes = size(values.large, 512, 64) * MIB
  const found = await nfsRows({ bytes, operations: size(values.small, 10_000, 2000), repeat })
  process.stdout.write(`${formatTable(found)}\n`)
  process.exit()
}

const all: readonly BenchSubject[] = [
  transfers(size(values.large, 1024, 128) * MIB, size(values.small, 10_000, 2000)),
  liveLatency(liveFiles, writes, 100),
  liveLatency(liveFiles, writes, 1),
  liveRename(liveFiles),
  liveRescan(size(values.rescan, 100_000, 20_000)),
  liveOverhead(size(values.linked, 1024, 128) * MIB),
  liveFirstLink(liveFiles),
  metadataScale(size(values.nodes, 100_000, 20_000)),
]
/** Subjects that run only when they are named: they need namespaces, or programs that are not everywhere. */
const named: readonly BenchSubject[] = [
  compare(size(values.compared, 128, 64) * MIB, Number(values.rate ?? 100)),
  compression(size(values.compared, 128, 64) * MIB, Number(values.rate ?? 100)),
  edits(size(values.large, 1024, 128) * MIB, Number(values.rate ?? 0)),
  wire(size(values.large, 256, 64) * MIB, Number(values.rate ?? 100), Number(values.delay ?? 100)),
  gateways({ bytes: size(values.large, 512, 64) * MIB, operations: size(values.small, 10_000, 2000) }),
  rivals({
    files: size(values.small, 10_000, 2000),
    bytes: size(values.large, 1024, 256) * MIB,
    writes: size(values.writes, 20, 5),
    steps: values.steps?.split(',') ?? RIVAL_STEPS,
    against: values.against?.split(','),
  }),
]
const asked = [...positionals, ...(values.only?.split(',') ?? [])]
const chosen = asked.length > 0 ? asked : all.map(({ name }) => name)
const subjects = [...all, ...named]
const unknown = chosen.find((name) => !subjects.some((subject) => subject.name === name))
if (unknown !== undefined) {
  throw new RangeError(`no subject ${unknown}; there are ${subjects.map(({ name }) => name).join(', ')}`)
}

const rows: BenchRow[] = []
const loads: number[] = []
for (const subject of subjects) {
  if (!chosen.includes(subject.name)) continue
  const samples: Readonly<Record<string, number>>[] = []
  for (let run = 1; run <= repeat; run++) {
    const [load] = loadavg() as [number, number, number]
    loads.push(load)
    process.stderr.write(`bench: ${subject.name}, run ${run} of ${repeat}, load ${load.toFixed(2)}\n`)
    const sample = await withScratch(subject.measure)
    process.stderr.write(`bench: ${JSON.stringify(sample)}\n`)
    samples.push(sample)
  }
  rows.push(...subject.rows(over(samples)))
}
process.stdout.write(`${formatTable(rows)}\n\n`)
process.stdout.write(
  `Load average before the runs: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}, the benchmark's own work included.\n`,
)

function over(samples: readonly Readonly<Record<string, number>>[]): Samples {
  const value = (sample: Readonly<Record<string, number>>, key: string): number => {
    const found = sample[key]
    if (found === undefined) throw new RangeError(`nothing was measured as ${key}`)
    return found
  }
  return {
    of: (key) => median(samples.map((sample) => value(sample, key))),
    ratio: (key, beside) => median(samples.map((sample) => value(sample, key) / value(sample, beside))),
    largest: (key) => Math.max(...samples.map((sample) => value(sample, key))),
  }
}

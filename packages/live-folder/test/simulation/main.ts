import { simulate } from './simulation.ts'

/** `--seed N`, `--steps M`, `--seeds K`: runs K seeds from N on and tells of each that fails. */
const values = new Map<string, number>()
for (let at = 2; at + 1 < process.argv.length; at += 2)
  values.set(process.argv[at] as string, Number(process.argv[at + 1]))
const seed = values.get('--seed') ?? 1
const seeds = values.get('--seeds') ?? 1
const steps = values.get('--steps')
let failed = 0
for (let next = seed; next < seed + seeds; next += 1) {
  const { faults, trace, digest } = await simulate({ seed: next, ...(steps === undefined ? {} : { steps }) })
  if (faults.length > 0) failed += 1
  if (faults.length > 0 || seeds === 1) {
    const story = seeds === 1 ? [...trace, ''] : []
    process.stdout.write(`${[...story, `seed ${next}: ${digest.slice(0, 16)}`, ...faults.slice(0, 12)].join('\n')}\n`)
  }
}
process.stdout.write(`${seeds} seeds, ${failed} failed\n`)
process.exitCode = failed > 0 ? 1 : 0

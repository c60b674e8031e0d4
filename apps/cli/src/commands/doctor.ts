import type { CheckedFinding, FindingLevel } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES, exitStatusOfCode } from '../exit-status.ts'
import { findDevice } from '../find-device.ts'
import { escapeText } from '../output/escape-text.ts'
import { countOf } from '../output/format-count.ts'
import { formatTable } from '../output/format-table.ts'
import { withDevice } from '../with-device.ts'

interface DoctorOptions {
  readonly integrity?: true | string
  readonly seed?: string
}

export function doctorCommand(run: RunCommand): Command {
  const command = new Command('doctor')
    .summary('find out what keeps this device from working')
    .description(
      'Checks this machine and this device, and says for each thing it finds what to do: Node.js, home, settings, ' +
        'clock, disks, watchers, interfaces, the TCP port, multicast, the beacon, firewall rules, and devices that ' +
        'were not seen for long. A "problem" keeps something from working, a "warning" may. Works with and without a ' +
        'daemon, and also where the device cannot be opened; nothing is changed. As root it sees firewall rules too. With ' +
        '--integrity it also takes known patterns of many sizes through a chunk store of their own in the home, 24 ' +
        'MiB that are removed again, and says where what comes back begins to differ. Then they go over the link to another ' +
        'device, 18 MiB, through such a store there and back: the one named, or the only one there is. Both must cut and ' +
        'hash them alike.',
    )
    .option('--integrity [device]', 'also store known patterns, here and there, and compare what comes back')
    .option('--seed <hex>', 'with --integrity: the random pattern of an earlier check, by the seed it printed')
    .action((options: DoctorOptions) => run((context) => doctor(context, options)))
  return explain(command, {
    examples: [
      ['dittofs doctor', 'everything, with a remedy for each problem'],
      ['dittofs doctor --integrity', 'also whether memory and disk give back what is stored'],
      ['dittofs doctor --integrity nas', 'also what the device called nas makes of them'],
      ['dittofs doctor --json', 'the same for a program'],
    ],
    statuses: {
      done: 'no problem, warnings at most',
      failed: 'at least one problem',
      unreachable: 'the device to be checked was not reached',
      notFound: 'no such device',
      integrity: 'a pattern came back changed',
    },
  })
}

async function doctor(context: CommandContext, { integrity, seed }: DoctorOptions): Promise<number> {
  const { access, home, output, signal } = context
  const findings = await access.examine(home, {
    signal,
    isIntegrityAsked: integrity !== undefined,
    ...(typeof integrity === 'string' && { integrityDevice: await idOf(context, integrity) }),
    ...(seed !== undefined && { integritySeed: seed }),
  })
  await output.result({ findings }, () => describe(findings))
  return statusOf(findings)
}

/** @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (several fit) */
async function idOf(context: CommandContext, text: string): Promise<string> {
  const devices = await withDevice(context, (device) => device.devices())
  const others = devices.filter(({ isSelf }) => !isSelf)
  return findDevice(others, text).id
}

/** Damage says more than a device that is away, and that more than anything else. */
function statusOf(findings: readonly CheckedFinding[]): number {
  const problems = findings.filter(({ level }) => level === 'problem')
  if (problems.length === 0) return EXIT_STATUSES.done
  return Math.max(...problems.map(({ code }) => (code === undefined ? EXIT_STATUSES.failed : exitStatusOfCode(code))))
}

const WORDS: Readonly<Record<FindingLevel, string>> = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' }

function describe(findings: readonly CheckedFinding[]): string[] {
  const rows = findings.map(({ check, level, text }) => [WORDS[level], check, escapeText(text)])
  const count = (level: FindingLevel) => findings.filter((finding) => finding.level === level).length
  const summary = `${countOf(count('problem'), 'problem')}, ${countOf(count('warning'), 'warning')}.`
  return [...formatTable(rows), '', summary]
}

import type { CheckedFinding, FindingLevel } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { countOf } from '../output/format-count.ts'
import { formatTable } from '../output/format-table.ts'

interface DoctorOptions {
  readonly integrity?: true
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
        'MiB that are removed again, and says where what comes back begins to differ. It looks at this device alone: ' +
        'what another device gets is checked by its hash there.',
    )
    .option('--integrity', 'also store known patterns, read them back and compare them')
    .action((options: DoctorOptions) => run((context) => doctor(context, options)))
  return explain(command, {
    examples: [
      ['dittofs doctor', 'everything, with a remedy for each problem'],
      ['dittofs doctor --integrity', 'also whether memory and disk give back what is stored'],
      ['dittofs doctor --json', 'the same for a program'],
    ],
    statuses: { done: 'no problem, warnings at most', failed: 'at least one problem' },
  })
}

async function doctor(context: CommandContext, options: DoctorOptions): Promise<number> {
  const { access, home, output, signal } = context
  const findings = await access.examine(home, { signal, isIntegrityAsked: options.integrity === true })
  await output.result({ findings }, () => describe(findings))
  return findings.some(({ level }) => level === 'problem') ? EXIT_STATUSES.failed : EXIT_STATUSES.done
}

const WORDS: Readonly<Record<FindingLevel, string>> = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' }

function describe(findings: readonly CheckedFinding[]): string[] {
  const rows = findings.map(({ check, level, text }) => [WORDS[level], check, escapeText(text)])
  const count = (level: FindingLevel) => findings.filter((finding) => finding.level === level).length
  const summary = `${countOf(count('problem'), 'problem')}, ${countOf(count('warning'), 'warning')}.`
  return [...formatTable(rows), '', summary]
}

import type { VerifyResult } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

export function verifyCommand(run: RunCommand): Command {
  const command = new Command('verify')
    .summary('check every stored chunk, and repair damage')
    .description(
      'Reads every chunk and checks it against its hash. Damaged ones are reported with the files they belong to, and ' +
        'are never handed out; with --repair good copies are fetched from other devices.',
    )
    .option('--repair', 'fetch good copies of damaged chunks from other devices')
    .action((options: { repair?: boolean }) => run((context) => verify(context, options)))
  return explain(command, {
    examples: [['dittofs verify --repair', 'checks everything and repairs what it can']],
    statuses: { integrity: 'damage was found and not all of it is repaired' },
  })
}

async function verify(context: CommandContext, options: { repair?: boolean }): Promise<number> {
  const result = await withDevice(
    context,
    (device) => withProgress(context, (progress) => device.verify({ ...options, ...progress })),
    { isOnline: options.repair === true },
  )
  await context.output.result(result, () => describeVerified(result, options.repair === true))
  return result.damaged.length > result.repaired ? EXIT_STATUSES.integrity : EXIT_STATUSES.done
}

function describeVerified(result: VerifyResult, isRepair: boolean): string[] {
  const { damaged, repaired } = result
  const lines = damaged.map(
    ({ id, problem, paths }) =>
      `${id}  ${problem}  ${paths.length === 0 ? 'in no current file' : paths.map(escapeText).join(', ')}`,
  )
  const checked = `Checked ${countOf(result.chunks, 'chunk')} (${formatBytes(result.bytes)})`
  if (damaged.length === 0) return [`${checked}: all good.`]
  const outcome = isRepair ? `${repaired} of ${damaged.length} damaged repaired` : `${damaged.length} damaged`
  const advice = isRepair || repaired === damaged.length ? '' : ' Run "dittofs verify --repair" to fetch good copies.'
  return [...lines, `${checked}: ${outcome}.${advice}`]
}

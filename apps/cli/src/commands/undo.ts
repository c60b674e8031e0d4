import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { countOf } from '../output/format-count.ts'
import { withDevice } from '../with-device.ts'

export function undoCommand(run: RunCommand): Command {
  const command = new Command('undo')
    .summary('take back a change, on every device')
    .description(
      'Takes back what was done in one go, here or on another device: what was deleted comes back, what was moved returns, ' +
        'what was edited gets the version before. What was changed again since is left as it is, and named. Undoing is ' +
        'itself a change, and can be undone.',
    )
    .argument('[id]', 'from "dittofs history"; the newest change when absent')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((id: string | undefined, options: { space?: string }) => run((context) => undo(context, id, options)))
  return explain(command, {
    examples: [
      ['dittofs undo', 'the newest change'],
      ['dittofs undo 1f3', 'that one'],
    ],
    statuses: { failed: 'failed, or something was left as it is', notFound: 'no change has the ID' },
  })
}

async function undo(context: CommandContext, id: string | undefined, options: { space?: string }): Promise<number> {
  const { signal } = context
  const result = await withDevice(context, (device) => device.versions.undo(id, { ...options, signal }))
  for (const { path, reason } of result.skipped) {
    context.output.note(`dittofs: left as it is: ${escapeText(path)}: ${reason}`)
  }
  await context.output.result(result, () => [`Took back ${countOf(result.undone, 'change')} of ${result.group}.`])
  return result.skipped.length === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

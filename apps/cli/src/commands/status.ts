import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { formatStatus } from '../output/format-status.ts'
import { withDevice } from '../with-device.ts'

export function statusCommand(run: RunCommand): Command {
  const command = new Command('status')
    .summary('show this device, its spaces, peers and links')
    .description(
      'Shows the device, its spaces and what is missing of them, the chunks it stores, the devices it knows, and which ' +
        'means of finding others are up, or why they are not.',
    )
    .action(() => run(status))
  return explain(command, {
    examples: [
      ['dittofs status', 'for a person'],
      ['dittofs status --json', 'for a script'],
    ],
  })
}

async function status(context: CommandContext): Promise<undefined> {
  const found = await withDevice(context, (device) => device.status({ signal: context.signal }))
  await context.output.result(found, () => formatStatus(found, context.now()))
}

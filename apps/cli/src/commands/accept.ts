import type { AcceptedGrowth } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { withDevice } from '../with-device.ts'

export function acceptCommand(run: RunCommand): Command {
  const command = new Command('accept')
    .summary('let content come that waits because it is a lot')
    .description(
      'Where the changes of one other device would make a space grow by more than "growth_limit" or "growth_share" in ' +
        'the configuration within a day, what goes beyond waits for you: "dittofs status" says whose it is and how much. ' +
        'This lets all of it come that waits now; what is added later is counted anew. Deletions that wait in a live ' +
        'folder are another matter: "dittofs resume --accept".',
    )
    .argument('[space]', 'the space, by name or ID; every space when absent')
    .action((space?: string) => run((context) => accept(context, space)))
  return explain(command, {
    examples: [
      ['dittofs accept', 'yes, bob did add 50 GB of films'],
      ['dittofs accept photos', 'only what waits in that space'],
    ],
    statuses: { notFound: 'there is no such space' },
  })
}

async function accept(context: CommandContext, space: string | undefined): Promise<undefined> {
  const accepted = await withDevice(context, (device) => device.acceptGrowth(space === undefined ? {} : { space }))
  await context.output.result(accepted, () => (accepted.length === 0 ? ['Nothing waits.'] : accepted.map(sentenceOf)))
}

function sentenceOf({ space, device, waitingBytes }: AcceptedGrowth): string {
  const whose = device === undefined ? 'devices that are no members any more' : escapeText(device.name)
  return `${formatBytes(waitingBytes)} by ${whose} may come in ${escapeText(space.name)}.`
}

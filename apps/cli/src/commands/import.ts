import path from 'node:path'
import type { ImportBundleResult } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

export function importCommand(run: RunCommand): Command {
  const command = new Command('import')
    .summary('take what a bundle of another device brings')
    .description(
      'Reads a bundle that "dittofs export" wrote for this device at another one, and takes what it brings as if that ' +
        'device were connected: it has to be a member, and every byte is verified before it counts. After an ' +
        'interruption the same command goes on where it stopped. Importing a bundle again changes nothing.',
    )
    .argument('<file>', 'the bundle')
    .action((file: string) => run((context) => read(context, file)))
  return explain(command, {
    examples: [['dittofs import /media/stick/home-for-laptop.dittofs', 'takes all of it']],
    statuses: {
      failed: 'failed, the bundle is for another device, or from one that is no member',
      notFound: 'there is no such file',
      integrity: 'the bundle was cut or changed; what came before the damage was taken',
    },
  })
}

async function read(context: CommandContext, file: string): Promise<undefined> {
  const place = path.resolve(context.directory, file)
  const result = await withDevice(context, (device) =>
    withProgress(context, (progress) => device.importBundle(place, progress)),
  )
  await context.output.result(result, () => describe(result))
}

function describe({ space, device, newChunks, newBytes, statements, isResumed }: ImportBundleResult): string[] {
  const members = statements > 0 ? `, ${countOf(statements, 'statement')} about members` : ''
  const took = `${countOf(newChunks, 'new chunk')} (${formatBytes(newBytes)})${members}`
  return [
    `Took ${took} from ${escapeText(device.name)} (${device.id}) into the space "${escapeText(space.name)}"` +
      `${isResumed ? ', going on where the last import stopped' : ''}.`,
  ]
}

import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { withDevice } from '../with-device.ts'

export function collectCommand(run: RunCommand): Command {
  const command = new Command('collect')
    .summary('free the space of chunks that nothing needs any more')
    .description('Frees the disk space of chunks that no current version of a file and no running transfer needs.')
    .action(() => run(collect))
  return explain(command, { examples: [['dittofs collect', 'after removing large files']] })
}

async function collect(context: CommandContext): Promise<undefined> {
  const freed = await withDevice(context, (device) => device.collect({ signal: context.signal }))
  await context.output.result(freed, () => [`Freed ${countOf(freed.chunks, 'chunk')} (${formatBytes(freed.bytes)}).`])
}

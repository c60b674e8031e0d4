import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { readVersion } from '../version.ts'

export function versionCommand(run: RunCommand): Command {
  const command = new Command('version')
    .summary('print the version')
    .description('Prints the version of this program and of what it runs on.')
    .action(() => run(printVersion))
  return explain(command, { examples: [['dittofs version', 'for a report of a problem']] })
}

async function printVersion(context: CommandContext): Promise<undefined> {
  const version = { version: readVersion(), node: process.version, platform: process.platform, arch: process.arch }
  await context.output.result(version, () => [
    `dittofs ${version.version} (Node ${version.node}, ${version.platform} ${version.arch})`,
  ])
}

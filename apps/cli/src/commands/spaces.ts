import { CHUNKERS, type ChunkerKind, type SpaceInfo } from '@dittofs/interface'
import { Command, Option } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { formatCount } from '../output/format-count.ts'
import { formatTable } from '../output/format-table.ts'
import { withDevice } from '../with-device.ts'

export function spacesCommand(run: RunCommand): Command {
  const command = new Command('spaces')
    .summary('list the spaces of this device, or create one')
    .description('Lists the spaces of this device: trees of files, each shared with devices of its own.')
    .action(() => run(listSpaces))
    .addCommand(createSpaceCommand(run))
  return explain(command, { examples: [['dittofs spaces', 'names, sizes and members']] })
}

function createSpaceCommand(run: RunCommand): Command {
  const command = new Command('create')
    .summary('create a space')
    .description('Creates a space with this device as its only member. Others join it with a ticket.')
    .argument('<name>', 'what people see it called')
    .addOption(
      new Option('--chunker <kind>', 'how files are cut: by content, or every 64 KiB; never changes').choices(CHUNKERS),
    )
    .action((name: string, options: { chunker?: ChunkerKind }) => run((context) => createSpace(context, name, options)))
  return explain(command, {
    examples: [
      ['dittofs spaces create photos', 'then: dittofs invite --space photos'],
      ['dittofs spaces create disks --chunker fixed', 'for images of disks, which change in place'],
    ],
  })
}

async function listSpaces(context: CommandContext): Promise<undefined> {
  const spaces = await withDevice(context, (device) => device.spaces())
  const columns = ['NAME', 'FILES', 'SIZE', 'MISSING', 'MEMBERS', 'ROLE', 'ID']
  await context.output.result(spaces, () => formatTable([columns, ...spaces.map(spaceRow)], [1, 2, 3, 4]))
}

function spaceRow(space: SpaceInfo): string[] {
  return [
    escapeText(space.name),
    formatCount(space.files),
    formatBytes(space.bytes),
    formatBytes(space.missingBytes),
    formatCount(space.members),
    space.role === 'read' ? 'read-only' : 'full',
    space.id,
  ]
}

async function createSpace(
  context: CommandContext,
  name: string,
  options: { chunker?: ChunkerKind },
): Promise<undefined> {
  const space = await withDevice(context, (device) => device.createSpace(name, options))
  await context.output.result(space, () => [`Created the space "${escapeText(space.name)}" (${space.id}).`])
}

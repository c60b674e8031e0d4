import { CHUNKERS, type ChunkerKind, type SpaceInfo } from '@dittofs/interface'
import { Command, Option } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf, formatCount } from '../output/format-count.ts'
import { formatTable } from '../output/format-table.ts'
import { noteSkipped } from '../output/note-skipped.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

export function spacesCommand(run: RunCommand): Command {
  const command = new Command('spaces')
    .summary('list the spaces of this device, create one, or make one of another')
    .description('Lists the spaces of this device: trees of files, each shared with devices of its own.')
    .action(() => run(listSpaces))
    .addCommand(createSpaceCommand(run))
    .addCommand(adoptSpaceCommand(run))
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

function adoptSpaceCommand(run: RunCommand): Command {
  const command = new Command('adopt')
    .summary('make a new space of what another one shows here')
    .description(
      'Makes a new space, with this device as its only member, of what another space shows on this device: for when ' +
        'its members took each other out, or its list of members is full. No bytes are copied; conflict copies become ' +
        'files of their own; history stays behind. The other space stays as it is. Files whose bytes are not all on ' +
        'this device are left out and named.',
    )
    .argument('<space>', 'the space whose files to take, by name or ID')
    .option('--as <name>', 'what people see the new space called (default: the name of the other with "-2")')
    .action((space: string, options: { as?: string }) => run((context) => adoptSpace(context, space, options)))
  return explain(command, {
    examples: [['dittofs spaces adopt photos --as pictures', 'then: dittofs invite --space pictures']],
    statuses: { failed: 'failed, or something was left out', notFound: 'there is no such space' },
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

async function adoptSpace(context: CommandContext, name: string, options: { as?: string }): Promise<number> {
  const result = await withDevice(context, (device) =>
    withProgress(context, (progress) => device.adoptSpace(name, { ...options, ...progress })),
  )
  const { space, skipped } = result
  noteSkipped(context.output, 'left out', skipped)
  await context.output.result(result, () => [
    `Created the space "${escapeText(space.name)}" (${space.id}) with ${countOf(space.files, 'file')} ` +
      `(${formatBytes(space.bytes)}) of "${escapeText(name)}".`,
  ])
  return skipped.length === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

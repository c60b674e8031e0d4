import { CONFLICT_CHOICES, type Conflict, type ConflictChoice } from '@dittofs/interface'
import { Argument, Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { formatMoment } from '../output/format-time.ts'
import { withDevice } from '../with-device.ts'

interface SpaceOption {
  space?: string
}

const NOT_FOUND = { notFound: 'there is no conflict at the path' }
const SPACE = ['--space <space>', 'the space, by name or ID, when there are several'] as const

export function conflictsCommand(run: RunCommand): Command {
  const command = new Command('conflicts')
    .summary('list conflicts, compare, choose or merge')
    .description(
      'Where a file was changed on two devices that had not heard of each other, both versions are kept: one has the name, ' +
        'the others show as conflict copies beside it. Text is merged by itself when nothing clashes.',
    )
    .addCommand(listCommand(run), { isDefault: true })
    .addCommand(diffCommand(run))
    .addCommand(takeCommand(run))
    .addCommand(mergeCommand(run))
  return explain(command, { examples: [['dittofs conflicts', 'what waits for a decision']] })
}

function listCommand(run: RunCommand): Command {
  const command = new Command('list')
    .summary('list the conflicts of a space')
    .description('Lists the files of which there are several versions.')
    .option(...SPACE)
    .action((options: SpaceOption) => run((context) => list(context, options)))
  return explain(command, { examples: [['dittofs conflicts list', 'the versions of each']] })
}

function diffCommand(run: RunCommand): Command {
  const command = new Command('diff')
    .summary('compare the versions of a conflict')
    .description('Compares the versions of a text file: each with the version they come from where that is known.')
    .argument('<path>', 'a file in conflict, or one of its conflict copies')
    .option(...SPACE)
    .action((path: string, options: SpaceOption) => run((context) => diff(context, path, options)))
  return explain(command, {
    examples: [['dittofs conflicts diff notes.txt', 'unified, like diff -u']],
    statuses: NOT_FOUND,
  })
}

function takeCommand(run: RunCommand): Command {
  const command = new Command('take')
    .summary('choose the version that stays')
    .description(
      'Ends a conflict: "ours" keeps the version made on this device, "theirs" the other, "both" keeps each as a file of ' +
        'its own. What is not chosen stays in the history.',
    )
    .addArgument(new Argument('<which>', 'the version to keep').choices(CONFLICT_CHOICES))
    .argument('<path>', 'a file in conflict, or one of its conflict copies')
    .option(...SPACE)
    .action((which: ConflictChoice, path: string, options: SpaceOption) =>
      run((context) => take(context, which, path, options)),
    )
  return explain(command, {
    examples: [['dittofs conflicts take ours notes.txt', 'on all devices']],
    statuses: NOT_FOUND,
  })
}

function mergeCommand(run: RunCommand): Command {
  const command = new Command('merge')
    .summary('merge the versions of a text file')
    .description(
      'Merges the versions of a text file line by line, where they do not clash; else it says where they do.',
    )
    .argument('<path>', 'a file in conflict, or one of its conflict copies')
    .option(...SPACE)
    .action((path: string, options: SpaceOption) => run((context) => merge(context, path, options)))
  return explain(command, {
    examples: [['dittofs conflicts merge notes.txt', 'both changes in one file']],
    statuses: { ...NOT_FOUND, failed: 'failed, or the versions clash' },
  })
}

async function list(context: CommandContext, options: SpaceOption): Promise<undefined> {
  const { signal } = context
  const conflicts = await withDevice(context, (device) => device.versions.conflicts({ ...options, signal }))
  await context.output.result(conflicts, () =>
    conflicts.length === 0 ? ['No conflicts.'] : conflicts.flatMap((conflict) => describe(conflict, context.now())),
  )
}

function describe(conflict: Conflict, now: number): string[] {
  return [
    `${escapeText(conflict.path)}${conflict.hasBase ? '' : '  (what they come from is not known here)'}`,
    ...conflict.versions.map(({ path, device, isOwn, mtime, size }) => {
      const when = formatMoment(Number(BigInt(mtime) / 1_000_000n), now)
      const who = isOwn ? 'this device' : escapeText(device.name)
      return `  ${who}, changed ${when}, ${formatBytes(size)}: ${escapeText(path)}`
    }),
  ]
}

async function diff(context: CommandContext, path: string, options: SpaceOption): Promise<undefined> {
  const { directory, signal } = context
  const result = await withDevice(context, (device) =>
    device.versions.diffConflict(path, { ...options, directory, signal }),
  )
  if (context.output.isJson) await context.output.json(result)
  else if (result.isText) await context.output.lines(result.text.split('\n').map(escapeText))
  else await context.output.lines(['The versions differ; they are no text.'])
}

async function take(
  context: CommandContext,
  which: ConflictChoice,
  path: string,
  options: SpaceOption,
): Promise<undefined> {
  const { directory, signal } = context
  await withDevice(context, (device) => device.versions.takeConflict(path, which, { ...options, directory, signal }))
  await context.output.result({ path, which }, () => [`Kept ${which} of ${escapeText(path)}.`])
}

async function merge(context: CommandContext, path: string, options: SpaceOption): Promise<undefined> {
  const { directory, signal } = context
  await withDevice(context, (device) => device.versions.mergeConflict(path, { ...options, directory, signal }))
  await context.output.result({ path }, () => [`Merged ${escapeText(path)}.`])
}

import type { ChangeSummary, FileVersion } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { formatTable } from '../output/format-table.ts'
import { formatMoment } from '../output/format-time.ts'
import { withDevice } from '../with-device.ts'

/** Groups shown without a path. */
const GROUPS = 20
const SAMPLES = 3

export function historyCommand(run: RunCommand): Command {
  const command = new Command('history')
    .summary('show the versions of a file, or what was done lately')
    .description(
      'Shows every version of a file that this device has seen, newest first: when, by which device, how large. Without a ' +
        'path it shows what was done lately in the space, each change with the ID that "dittofs undo" takes.',
    )
    .argument('[path]', 'a file of the space or in a live folder; it may be deleted')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string | undefined, options: { space?: string }) =>
      run((context) => (path === undefined ? changes(context, options) : history(context, path, options))),
    )
  return explain(command, {
    examples: [
      ['dittofs history notes.txt', 'versions to restore'],
      ['dittofs history', 'changes to undo'],
    ],
    statuses: { notFound: 'no version is known of such a path' },
  })
}

async function history(context: CommandContext, path: string, options: { space?: string }): Promise<undefined> {
  const { directory, signal } = context
  const versions = await withDevice(context, (device) =>
    device.versions.history(path, { ...options, directory, signal }),
  )
  await context.output.result(versions, () =>
    formatTable(
      [
        ['VERSION', 'SEEN', 'DEVICE', 'SIZE', 'PATH', ''],
        ...versions.map((version) => versionRow(version, context.now())),
      ],
      [3],
    ),
  )
}

function versionRow(version: FileVersion, now: number): string[] {
  const remarks = [
    ...(version.isCurrent ? ['current'] : []),
    ...(version.mergedFrom === undefined ? [] : [`merged from ${version.mergedFrom.join(' and ')}`]),
    ...(version.isDeleted ? ['then deleted'] : []),
    ...(version.missingBytes > 0 ? [`${formatBytes(version.missingBytes)} not on this device`] : []),
  ]
  return [
    version.id,
    formatMoment(version.seenAt, now),
    escapeText(version.device.name),
    formatBytes(version.size),
    escapeText(version.path),
    remarks.join(', '),
  ]
}

async function changes(context: CommandContext, options: { space?: string }): Promise<undefined> {
  const { signal } = context
  const groups = await withDevice(context, (device) => device.versions.changes({ ...options, limit: GROUPS, signal }))
  await context.output.result(groups, () =>
    formatTable([['ID', 'WHEN', 'DEVICE', 'WHAT', 'WHERE'], ...groups.map((group) => groupRow(group, context.now()))]),
  )
}

function groupRow(group: ChangeSummary, now: number): string[] {
  const { created, edited, moved, deleted, paths } = group
  const counts = Object.entries({ created, edited, moved, deleted }).filter(([, count]) => count > 0)
  const total = created + edited + moved + deleted
  const shown = paths.slice(0, SAMPLES)
  const more = total > shown.length ? [`and ${countOf(total - shown.length, 'other')}`] : []
  return [
    group.id,
    formatMoment(group.at, now),
    escapeText(group.device.name),
    counts.map(([what, count]) => `${count} ${what}`).join(', '),
    [...shown.map(escapeText), ...more].join(', '),
  ]
}

import { type Device, DittoError } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { formatStatus } from '../output/format-status.ts'
import { parseDuration } from '../parse/parse-duration.ts'
import { withDevice } from '../with-device.ts'

interface StatusCommandOptions {
  wait?: boolean
  timeout?: number
}

export function statusCommand(run: RunCommand): Command {
  const command = new Command('status')
    .summary('show this device, its spaces, peers and links')
    .description(
      'Shows the device, its spaces and what is missing of them, the chunks it stores, the devices it knows, and which ' +
        'means of finding others are up, or why they are not.',
    )
    .option('--wait', 'first wait until this device and every connected one agree, and every live folder is in step')
    .option(
      '--timeout <time>',
      'how long to wait at most, with --wait: 90s, 30m (default: as long as it takes)',
      parseDuration,
    )
    .action((options: StatusCommandOptions) => run((context) => status(context, options)))
  return explain(command, {
    examples: [
      ['dittofs status', 'for a person'],
      ['dittofs status --json', 'for a script'],
      ['dittofs status --wait --timeout 5m', 'in a script, in place of sleeping'],
    ],
    statuses: { unreachable: 'the time was over before all agreed' },
  })
}

async function status(context: CommandContext, { wait, timeout }: StatusCommandOptions): Promise<undefined> {
  const found = await withDevice(context, async (device) => {
    if (wait === true) await waitUntilSynced(device, context.signal, timeout)
    return device.status({ signal: context.signal })
  })
  await context.output.result(found, () => formatStatus(found, context.now()))
}

async function waitUntilSynced(device: Device, signal: AbortSignal, timeoutMs: number | undefined): Promise<void> {
  if (timeoutMs === undefined) return device.waitUntilSynced({ signal })
  const patience = AbortSignal.timeout(timeoutMs)
  await device.waitUntilSynced({ signal: AbortSignal.any([signal, patience]) }).catch((error: unknown) => {
    if (!patience.aborted || signal.aborted) throw error
    throw new DittoError(
      'DITTO_TIMEOUT',
      'The time was over before all devices agreed; "dittofs status" shows what is left.',
    )
  })
}

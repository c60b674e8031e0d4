import type { DeviceInfo } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { findDevice } from '../find-device.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatTable } from '../output/format-table.ts'
import { formatMoment } from '../output/format-time.ts'
import { withDevice } from '../with-device.ts'

export function devicesCommand(run: RunCommand): Command {
  const command = new Command('devices')
    .summary('list the devices of the spaces, remove or rename one')
    .description('Lists every device that is a member of a space of this one.')
    .action(() => run(listDevices))
    .addCommand(removeDeviceCommand(run))
    .addCommand(renameDeviceCommand(run))
  return explain(command, { examples: [['dittofs devices', 'who has the files']] })
}

function removeDeviceCommand(run: RunCommand): Command {
  const command = new Command('remove')
    .summary('remove a device from the spaces')
    .description(
      'Removes a device: from now on no device that has heard of it talks to it. What it has already stays there. ' +
        'Devices that only it had added leave with it; they are named, and can be invited again.',
    )
    .argument('<device>', 'its ID, a unique beginning of it, or its exact name')
    .option('--space <space>', 'from this space only, by name or ID')
    .action((device: string, options: { space?: string }) => run((context) => removeDevice(context, device, options)))
  return explain(command, {
    examples: [['dittofs devices remove old-laptop', 'after it was lost or sold']],
    statuses: { notFound: 'no device has the name or ID' },
  })
}

function renameDeviceCommand(run: RunCommand): Command {
  const command = new Command('rename')
    .summary('give this device another name')
    .description('Gives this device another name. Names are labels: devices know each other by their keys.')
    .argument('<name>', 'what people see this device called')
    .action((name: string) => run((context) => renameDevice(context, name)))
  return explain(command, { examples: [['dittofs devices rename "Kitchen tablet"', 'a name for people']] })
}

async function listDevices(context: CommandContext): Promise<undefined> {
  const devices = await withDevice(context, (device) => device.devices())
  await context.output.result(devices, () =>
    formatTable([['NAME', 'ID', 'CONNECTED', 'SPACES'], ...devices.map((device) => deviceRow(device, context.now()))]),
  )
}

function deviceRow(device: DeviceInfo, now: number): string[] {
  const spaces = device.spaces.map(({ name, role }) => escapeText(name) + (role === 'read' ? ' (read-only)' : ''))
  const seen = device.lastSeen === undefined ? 'no' : `no, seen ${formatMoment(device.lastSeen, now)}`
  const connected = device.isSelf ? 'this device' : device.links.length > 0 ? device.links.join(', ') : seen
  return [escapeText(device.name), device.id, connected, spaces.join(', ')]
}

async function removeDevice(context: CommandContext, text: string, options: { space?: string }): Promise<undefined> {
  const removed = await withDevice(context, async (device) => {
    const { id } = findDevice(await device.devices(), text)
    return device.removeDevice(id, options)
  })
  await context.output.result(removed, () =>
    removed.map(({ name, id }, index) =>
      index === 0
        ? `Removed ${escapeText(name)} (${id}).`
        : `With it leaves ${escapeText(name)} (${id}), which only it had added; invite it again to keep it.`,
    ),
  )
}

async function renameDevice(context: CommandContext, name: string): Promise<undefined> {
  await withDevice(context, (device) => device.renameDevice(name))
  await context.output.result({ name }, () => [`This device is called ${escapeText(name)} now.`])
}

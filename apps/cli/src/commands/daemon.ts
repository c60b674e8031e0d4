import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import type { DaemonSettings } from '../device-access.ts'
import { formatBanner } from '../output/format-banner.ts'
import { parsePort } from '../parse/parse-port.ts'
import { runUntilSignal } from '../run-until-signal.ts'

interface DaemonCommandOptions {
  port?: number
  host?: string
  name?: string
  peer?: string[]
  mdns: boolean
  beacon: boolean
}

export function daemonCommand(run: RunCommand): Command {
  const command = new Command('daemon')
    .summary('run this device in the foreground')
    .description(
      'Runs this device until SIGINT or SIGTERM: finds the other devices, keeps everything up to date, and serves the ' +
        'other commands. There is one daemon for each home. Options win over config.toml in the home. With --json one ' +
        'line is printed when it is ready.',
    )
    .option('--port <port>', 'TCP port to listen at; 0 takes any free one', parsePort)
    .option('--host <address>', 'address of this machine to listen at (default: all of them)')
    .option('--name <name>', 'what people see this device called')
    .option('--peer <host:port>', 'also connect to a device at this address; may be given several times', collectValues)
    .option('--no-mdns', 'neither announce nor find devices by multicast DNS')
    .option('--no-beacon', 'neither announce nor find devices by UDP broadcast')
    .action((options: DaemonCommandOptions) => run((context) => daemon(context, options)))
  return explain(command, {
    examples: [
      ['dittofs daemon', 'everything found by itself'],
      ['dittofs daemon --port 4100 --name attic', 'a fixed port, for a firewall rule'],
    ],
  })
}

async function daemon(context: CommandContext, options: DaemonCommandOptions): Promise<undefined> {
  const { peer, mdns, beacon, ...plain } = options
  const settings: DaemonSettings = {
    home: context.home,
    // Somebody who reads JSON collects the log too; a person is told what needs attention.
    stderrLevel: context.output.isJson ? 'info' : 'warn',
    ...plain,
    ...(peer !== undefined && { peers: peer }),
    // On is what config.toml decides about; the options only ever switch off.
    ...(!mdns && { mdns }),
    ...(!beacon && { beacon }),
  }
  const daemon = await context.access.startDaemon(settings)
  await runUntilSignal(daemon, context.signal, async () => {
    const status = await daemon.device.status()
    const addresses = status.links.flatMap((link) => (link.isUp ? (link.addresses ?? []) : []))
    const ready = { event: 'ready', device: status.device, addresses }
    if (context.output.isJson) await context.output.write(`${JSON.stringify(ready)}\n`)
    else await context.output.lines(formatBanner(status))
  })
}

function collectValues(value: string, before: string[] = []): string[] {
  return [...before, value]
}

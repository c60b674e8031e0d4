import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Device, DittoError, type GatewayInfo, type GatewayProtocol } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import {
  commandLine,
  DAVFS_CONFIGURATION,
  type MountCommand,
  mountCommand,
  mountProtocols,
  serveCommand,
} from '../mount-commands.ts'
import { escapeText } from '../output/escape-text.ts'
import { withDevice } from '../with-device.ts'

interface MountOptions {
  space?: string
  readOnly?: boolean
}

/** A mount that takes longer waits for something that does not come. */
const MOUNT_TIMEOUT_MS = 60_000
/** What a daemon that does not answer may keep the command waiting at its end. */
const STOP_TIMEOUT_MS = 10_000
/** Of what a program says when it fails. */
const MAX_COMPLAINT = 2000

export function mountSpaceCommand(run: RunCommand): Command {
  const command = new Command('mount')
    .summary('mount a space as a directory')
    .description(
      'Lets the daemon serve a space to this machine and mounts it: with the NFS client of the system, else with davfs2 ' +
        'or what the platform has for WebDAV. Where none works, or mounting needs an administrator, it prints the ' +
        'commands that do it. "umount" ends the mount, "dittofs gateways stop" the serving.',
    )
    .argument('<directory>', 'an empty directory; made where it is not there')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .option('--read-only', 'take no changes')
    .action((directory: string, options: MountOptions) => run((context) => mount(context, directory, options)))
  return explain(command, {
    examples: [['sudo -E dittofs mount ~/Drive', 'the whole space, whatever of it is on this device']],
    statuses: {
      failed: 'failed, or it is not mounted and the commands to do so are printed',
      unreachable: 'no daemon runs',
      notFound: 'there is no such space',
    },
  })
}

async function mount(context: CommandContext, given: string, options: MountOptions): Promise<number | undefined> {
  const { output, home } = context
  const directory = path.resolve(context.directory, given)
  await mkdir(directory, { recursive: true })
  const davfsConfiguration = path.join(home, 'run', 'davfs2.conf')
  await writeFile(davfsConfiguration, DAVFS_CONFIGURATION, { mode: 0o600 })
  const tried: { serve?: string; command: string; complaint: string }[] = []
  const inVain = new Set<string>()
  try {
    for (const protocol of mountProtocols(process.platform)) {
      const { info, isNew } = await withDevice(context, (device) => served(device, protocol, options))
      if (isNew) inVain.add(info.id)
      const command = mountCommand(process.platform, { info, directory, davfsConfiguration })
      const complaint = await attempt(command, context.signal)
      if (complaint === undefined) {
        inVain.delete(info.id)
        const result = { directory, protocol, gateway: info.id, isMounted: true }
        await output.result(result, () => [
          `Mounted ${escapeText(info.space.name)} at ${escapeText(directory)}, over ${protocol}. "umount ${directory}" ends it.`,
        ])
        return undefined
      }
      const serve = isNew ? { serve: commandLine(serveCommand(info, home)) } : {}
      tried.push({ ...serve, command: commandLine(command), complaint })
    }
  } finally {
    await stopServing(context, inVain)
  }
  await output.result({ directory, isMounted: false, tried }, () => [
    'It could not be mounted from here. One of these does it, perhaps as an administrator:',
    ...tried.flatMap(({ serve, command, complaint }) => [
      ...(serve === undefined ? [] : [`  ${serve}`]),
      `  ${command}`,
      `    (${escapeText(complaint)})`,
    ]),
  ])
  return EXIT_STATUSES.failed
}

/** Stops what was served for a mount that did not come about, also where the command was called off. */
async function stopServing(context: CommandContext, ids: ReadonlySet<string>): Promise<void> {
  if (ids.size === 0) return
  const patient = { ...context, signal: AbortSignal.timeout(STOP_TIMEOUT_MS) }
  await withDevice(patient, (device) => Promise.all([...ids].map((id) => device.gateways.stop(id))))
}

/** A gateway of the daemon for programs on this machine: one that serves already, else a new one. */
async function served(
  device: Device,
  protocol: GatewayProtocol,
  options: MountOptions,
): Promise<{ readonly info: GatewayInfo; readonly isNew: boolean }> {
  const isReadOnly = options.readOnly === true
  const { space } = options
  const found = (await device.gateways.list()).find((one) => {
    const isSpace = space === undefined || one.space.name === space || one.space.id === space
    const isUsable = one.problem === undefined && one.host === '127.0.0.1' && one.isKept
    return (
      one.protocol === protocol && isSpace && isUsable && one.isReadOnly === isReadOnly && !one.url.startsWith('https')
    )
  })
  if (found !== undefined) return { info: found, isNew: false }
  const info = await device.gateways.keep(protocol, { port: 0, isReadOnly, ...(space !== undefined && { space }) })
  return { info, isNew: true }
}

/** @returns what went wrong; `undefined` where it is mounted */
function attempt({ program, args }: MountCommand, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(MOUNT_TIMEOUT_MS)])
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal: patience })
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(0, MAX_COMPLAINT)
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(new DittoError('DITTO_CLOSED', 'It was called off.'))
      else resolve(error.code === 'ENOENT' ? `there is no program "${program}"` : error.message)
    })
    child.once('close', (status) =>
      resolve(status === 0 ? undefined : (said.trim().split('\n')[0] ?? `it ended with ${status}`)),
    )
  })
}

import { Command } from 'commander'
import type { RunCommand } from './command-context.ts'
import { explain } from './command-help.ts'
import { acceptCommand } from './commands/accept.ts'
import { addCommand } from './commands/add.ts'
import { collectCommand } from './commands/collect.ts'
import { completionCommand } from './commands/completion.ts'
import { conflictsCommand } from './commands/conflicts.ts'
import { daemonCommand } from './commands/daemon.ts'
import { devicesCommand } from './commands/devices.ts'
import { doctorCommand } from './commands/doctor.ts'
import { exportCommand } from './commands/export.ts'
import { foldersCommand, pauseCommand, rescanCommand, resumeCommand } from './commands/folders.ts'
import { gatewaysCommand } from './commands/gateways.ts'
import { getCommand } from './commands/get.ts'
import { historyCommand } from './commands/history.ts'
import { ignoredCommand } from './commands/ignored.ts'
import { importCommand } from './commands/import.ts'
import { inviteCommand } from './commands/invite.ts'
import { joinCommand } from './commands/join.ts'
import { linkCommand } from './commands/link.ts'
import { listCommand } from './commands/list.ts'
import { mountSpaceCommand } from './commands/mount.ts'
import { moveCommand } from './commands/move.ts'
import { evictCommand, pinCommand, unpinCommand } from './commands/pin.ts'
import { planCommand } from './commands/plan.ts'
import { receiveCommand } from './commands/receive.ts'
import { removeCommand } from './commands/remove.ts'
import { restoreCommand } from './commands/restore.ts'
import { sendCommand } from './commands/send.ts'
import { serveCommand } from './commands/serve.ts'
import { spacesCommand } from './commands/spaces.ts'
import { statusCommand } from './commands/status.ts'
import { syncCommand } from './commands/sync.ts'
import { undoCommand } from './commands/undo.ts'
import { unlinkCommand } from './commands/unlink.ts'
import { verifyCommand } from './commands/verify.ts'
import { versionCommand } from './commands/version.ts'
import { whyCommand } from './commands/why.ts'
import { readVersion } from './version.ts'

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  json?: boolean
  debug?: boolean
  home?: string
}

const COMMANDS: readonly ((run: RunCommand) => Command)[] = [
  daemonCommand,
  inviteCommand,
  joinCommand,
  devicesCommand,
  spacesCommand,
  linkCommand,
  unlinkCommand,
  foldersCommand,
  pauseCommand,
  resumeCommand,
  rescanCommand,
  planCommand,
  whyCommand,
  ignoredCommand,
  addCommand,
  listCommand,
  getCommand,
  moveCommand,
  removeCommand,
  pinCommand,
  unpinCommand,
  evictCommand,
  serveCommand,
  mountSpaceCommand,
  gatewaysCommand,
  acceptCommand,
  historyCommand,
  restoreCommand,
  undoCommand,
  conflictsCommand,
  sendCommand,
  receiveCommand,
  exportCommand,
  importCommand,
  syncCommand,
  statusCommand,
  doctorCommand,
  verifyCommand,
  collectCommand,
  completionCommand,
  versionCommand,
]

/**
 * The commands and options of `dittofs`. Wrong usage throws commander's CommanderError instead of ending the process.
 *
 * @param run - given each command's work when its command line was right
 */
export function createProgram(run: RunCommand): Command {
  const program = new Command('dittofs')
    .description(
      'Your files on every device you own, with no server. Each device runs "dittofs daemon"; devices find each other ' +
        'and exchange what they lack. Most commands work without a daemon too.',
    )
    .option('--json', 'print one JSON document instead of text')
    .option('--debug', 'show where an error came from')
    .option('--home <directory>', 'the home of the device (default: $DITTOFS_HOME, or ~/.dittofs)')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
  for (const create of COMMANDS) program.addCommand(create(run))
  explain(program, {
    examples: [
      ['dittofs add holiday', 'adds a directory to this device'],
      ['dittofs daemon', 'runs this device'],
      ['dittofs invite', 'prints a ticket for another device'],
      ['dittofs help add', 'everything about one command'],
    ],
    statuses: {
      unreachable: 'nothing reachable',
      notFound: 'not found',
      integrity: 'damaged content',
      interrupted: 'interrupted by Ctrl-C',
    },
  })
  forEachCommand(program, (command) => {
    command.exitOverride().configureHelp({ showGlobalOptions: true }).showSuggestionAfterError()
    if (command !== program) command.helpOption('-h, --help', 'show help')
  })
  return program
}

/** Visits a command and every one below it, in the order of help. */
export function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const below of command.commands) forEachCommand(below, visit)
}

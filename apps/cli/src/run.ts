import { homedir } from 'node:os'
import path from 'node:path'
import { DittoError } from '@dittofs/interface'
import { type Command, CommanderError } from 'commander'
import type { Ask, CommandContext } from './command-context.ts'
import type { DeviceAccess } from './device-access.ts'
import { EXIT_STATUSES, exitStatusOf } from './exit-status.ts'
import { Output, OutputClosedError, type OutputStream } from './output/output.ts'
import { createProgram, forEachCommand, type GlobalOptions } from './program.ts'
import { reportError } from './report-error.ts'

export interface RunInit {
  /** The words after `dittofs`. */
  args: readonly string[]
  environment: NodeJS.ProcessEnv
  /** Absolute. */
  directory: string
  stdout: OutputStream
  stderr: OutputStream
  access: DeviceAccess
  /** Aborted when the user interrupts the command. */
  signal: AbortSignal
  now?: () => number
  /** Absent where nobody can answer. */
  ask?: Ask
}

/** Runs one command line to its end, everything said. @returns the exit status */
export async function run(init: RunInit): Promise<number> {
  // Before the command line is understood, wrong usage must be told in the right form too.
  const output = new Output({ stdout: init.stdout, stderr: init.stderr, isJson: init.args.includes('--json') })
  const { args, access, directory, signal } = init
  let status: number = EXIT_STATUSES.done
  let command = ''
  const program = createProgram(async (work) => {
    const { home } = program.opts<GlobalOptions>()
    const context: CommandContext = {
      home: chooseHome(home ?? init.environment.DITTOFS_HOME, directory),
      directory,
      output,
      access,
      signal,
      now: init.now ?? Date.now,
      ask: init.ask,
    }
    status = (await work(context)) ?? EXIT_STATUSES.done
  })
  program.hook('preAction', (_, action) => {
    command = wordsOf(action, action.opts())
  })
  captureCommanderOutput(program, init.stdout, init.stderr)
  try {
    if (args.length === 0) program.help({ error: true })
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof OutputClosedError) return EXIT_STATUSES.done
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_STATUSES.done
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT_STATUSES.usage
    if (signal.aborted) {
      output.note('dittofs: interrupted')
      return EXIT_STATUSES.interrupted
    }
    const failure = error instanceof CommanderError ? usageError(error) : error
    await reportError(failure, output, { command, isDebug: args.includes('--debug') }).catch(() => undefined)
    return exitStatusOf(failure)
  } finally {
    await output.flush()
  }
  return status
}

function chooseHome(chosen: string | undefined, directory: string): string {
  return chosen === undefined || chosen === '' ? path.join(homedir(), '.dittofs') : path.resolve(directory, chosen)
}

/** The words by which hints know a command. */
function wordsOf(command: Command, options: { revoke?: unknown }): string {
  const parent = command.parent?.parent ? `${command.parent.name()} ` : ''
  return parent + command.name() + (options.revoke === undefined ? '' : ' --revoke')
}

/** Help goes where results go; complaints are told by `reportError`, in the form of every other error. */
function captureCommanderOutput(program: Command, stdout: OutputStream, stderr: OutputStream): void {
  forEachCommand(program, (command) => {
    command.configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
  })
}

function usageError(error: CommanderError): DittoError {
  const [sentence = '', ...suggestions] = error.message.replace(/^error: /, '').split('\n')
  const text = [sentence.charAt(0).toUpperCase() + sentence.slice(1), ...suggestions].join(' ').trim()
  return new DittoError('DITTO_USAGE', `${text}${/[.)?]$/.test(text) ? '' : '.'}`, { cause: error })
}

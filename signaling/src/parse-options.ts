import { parseSignalOrigin } from '@dittofs/wire'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { TrustedProxies } from './client-address.ts'
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from './server-limits.ts'
import { LOG_LEVELS, type LogLevel } from './server-logger.ts'

export const DEFAULT_PORT = 4110
const ENVIRONMENT_PREFIX = 'DITTOFS_SIGNALING_'

/** What the command line and the environment say. */
export interface Options {
  readonly host: string
  readonly port: number
  readonly origins: readonly string[]
  readonly trustedProxies: readonly string[]
  readonly bus: string | undefined
  readonly limits: ServerLimits
  readonly logLevel: LogLevel
}

export type ParsedOptions =
  | { readonly options: Options }
  /** Nothing to run: what to print, and the exit status. */
  | { readonly exitCode: 0 | 2; readonly text: string }

/**
 * Reads flags, and behind them the environment: each flag is there as DITTOFS_SIGNALING_ and its name, lists with
 * commas.
 *
 * @param args - without the names of the runtime and the program
 */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv, version: string): ParsedOptions {
  let text = ''
  const command = makeCommand(version)
    .exitOverride()
    .configureOutput({ writeOut: (part) => (text += part), writeErr: (part) => (text += part) })
  try {
    command.parse([...args], { from: 'user' })
    for (const option of command.options) {
      const value = environment[environmentName(option)]
      const source = command.getOptionValueSource(option.attributeName())
      if (source === 'cli' || value === undefined || value === '') continue
      command.setOptionValueWithSource(option.attributeName(), read(option, value), 'env')
    }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (text === '') text = `error: ${error.message}\n`
    return { exitCode: error.exitCode === 0 ? 0 : 2, text }
  }
  return { options: fromFlags(command.opts()) }
}

interface Flags {
  host: string
  port: number
  origin: string[]
  trustedProxy: string[]
  bus?: string
  maxConnections: number
  connectionsPerAddress: number
  registrationsPerSecond: number
  logLevel: LogLevel
}

function makeCommand(version: string): Command {
  const limits = DEFAULT_SERVER_LIMITS
  return new Command('dittofs-signaling')
    .description('Passes sealed messages between DittoFS devices that share no network, so that they can connect.')
    .version(version)
    .helpOption('-h, --help', 'show this help')
    .addOption(new Option('--host <address>', 'address to listen at').default('::', 'every interface'))
    .addOption(new Option('--port <number>', '0 takes any free one').default(DEFAULT_PORT).argParser(whole(0, 65_535)))
    .addOption(
      new Option('--origin <url...>', 'names of this server, as devices are given them: wss://signal.example.org')
        .default([], 'whatever name a device asked for')
        .argParser(collect(origin)),
    )
    .addOption(
      new Option('--trusted-proxy <range...>', 'proxies whose X-Forwarded-For is believed: 10.0.0.0/8')
        .default([], 'none')
        .argParser(collect(range)),
    )
    .addOption(new Option('--bus <url>', 'Redis that joins several instances: redis://HOST:6379').argParser(busUrl))
    .addOption(limit('--max-connections', 'connections in all', limits.maxConnections, 1_000_000))
    .addOption(
      limit('--connections-per-address', 'connections from one address', limits.connectionsPerAddress, 1_000_000),
    )
    .addOption(
      limit('--registrations-per-second', 'registrations from one address', limits.registrationsPerSecond, 100_000),
    )
    .addOption(new Option('--log-level <level>', 'least serious event to log').choices(LOG_LEVELS).default('info'))
    .addHelpText(
      'after',
      [
        '',
        `Each option is also read from the environment, as ${ENVIRONMENT_PREFIX} and its name: ${ENVIRONMENT_PREFIX}PORT=4110,`,
        `${ENVIRONMENT_PREFIX}TRUSTED_PROXY=10.0.0.0/8,192.168.0.0/16. The command line wins.`,
        '',
        'Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot run, 2 for a wrong option.',
      ].join('\n'),
    )
}

function limit(flag: string, what: string, byDefault: number, max: number): Option {
  return new Option(`${flag} <number>`, what).default(byDefault).argParser(whole(1, max))
}

function environmentName(option: Option): string {
  return ENVIRONMENT_PREFIX + option.name().replaceAll('-', '_').toUpperCase()
}

function read(option: Option, value: string): unknown {
  const values = option.variadic ? value.split(',') : [value]
  try {
    let parsed: unknown = option.defaultValue
    for (const part of values) parsed = option.parseArg === undefined ? part : option.parseArg(part.trim(), parsed)
    if (option.argChoices !== undefined && !option.argChoices.includes(value)) {
      throw new InvalidArgumentError(`Allowed choices are ${option.argChoices.join(', ')}.`)
    }
    return parsed
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new CommanderError(2, 'environment', `${environmentName(option)} is invalid. ${error.message}`)
  }
}

function fromFlags(untyped: Record<string, unknown>): Options {
  const flags = untyped as unknown as Flags
  return {
    host: flags.host,
    port: flags.port,
    origins: flags.origin,
    trustedProxies: flags.trustedProxy,
    bus: flags.bus,
    limits: {
      ...DEFAULT_SERVER_LIMITS,
      maxConnections: flags.maxConnections,
      connectionsPerAddress: flags.connectionsPerAddress,
      registrationsPerSecond: flags.registrationsPerSecond,
    },
    logLevel: flags.logLevel,
  }
}

function whole(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) throw new InvalidArgumentError(`It is a whole number of ${min} to ${max}.`)
    return number
  }
}

function collect(check: (value: string) => string): (value: string, before: unknown) => string[] {
  return (value, before) => [...(before as string[]), check(value)]
}

function origin(value: string): string {
  try {
    return parseSignalOrigin(value)
  } catch {
    throw new InvalidArgumentError('It is wss://HOST or ws://HOST:PORT, without a path.')
  }
}

function range(value: string): string {
  try {
    new TrustedProxies([value])
    return value
  } catch {
    throw new InvalidArgumentError('It is an address, or a range such as 10.0.0.0/8.')
  }
}

function busUrl(value: string): string {
  if (!URL.canParse(value) || !/^rediss?:$/.test(new URL(value).protocol)) {
    throw new InvalidArgumentError('It is redis://HOST:PORT, or rediss:// for TLS.')
  }
  return value
}

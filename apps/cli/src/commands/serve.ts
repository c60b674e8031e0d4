import path from 'node:path'
import { GATEWAY_PROTOCOLS, type GatewayInfo, type GatewayProtocol, type ServeOptions } from '@dittofs/interface'
import { Argument, Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { parsePort } from '../parse/parse-port.ts'
import { withDevice } from '../with-device.ts'

interface ServeCommandOptions {
  space?: string
  port?: number
  host?: string
  readOnly?: boolean
  allow?: string[]
  passwordFile?: string
  tlsKey?: string
  tlsCert?: string
  keep?: boolean
}

export function serveCommand(run: RunCommand): Command {
  const command = new Command('serve')
    .summary('serve a space as a drive, over NFS or WebDAV')
    .description(
      'Lets any program use a space as a file system: the whole tree is there, and what is not on this device is ' +
        'fetched when it is read. Serves until Ctrl-C, to programs on this machine unless told otherwise; with --keep ' +
        'the daemon serves from now on, until "dittofs gateways stop". NFS is version 3 and has no passwords: whoever ' +
        'reaches the port may use it. WebDAV that others can reach needs --password-file.',
    )
    .addArgument(new Argument('<protocol>', 'how').choices(GATEWAY_PROTOCOLS))
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .option('--port <port>', 'the TCP port, 0 for any free one (default: 2049 for nfs, 4918 for webdav)', parsePort)
    .option('--host <address>', 'the address of this machine to listen at (default: 127.0.0.1)')
    .option('--read-only', 'take no changes')
    .option('--allow <address...>', 'only clients with these addresses, or in these ranges: 10.0.0.0/8')
    .option('--password-file <file>', 'webdav: users that may use it, a line USER:PASSWORD each; readable by you alone')
    .option('--tls-key <file>', 'webdav over TLS: the private key, PEM')
    .option('--tls-cert <file>', 'webdav over TLS: the certificate and its chain, PEM')
    .option('--keep', 'go on in the daemon, also after it was started again')
    .action((protocol: GatewayProtocol, options: ServeCommandOptions) =>
      run((context) => serve(context, protocol, options)),
    )
  return explain(command, {
    examples: [
      ['dittofs serve webdav', 'open http://127.0.0.1:4918/home/ in a browser or a file manager'],
      ['dittofs serve nfs --read-only --port 0', 'any free port, no changes'],
      ['dittofs serve webdav --host 192.168.1.5 --password-file users --tls-key k.pem --tls-cert c.pem --keep', ''],
    ],
    statuses: {
      failed: 'failed: the port is taken, a file cannot be used, or it would be open to others without a password',
      unreachable: '--keep, and no daemon runs',
      notFound: 'there is no such space',
    },
  })
}

async function serve(
  context: CommandContext,
  protocol: GatewayProtocol,
  options: ServeCommandOptions,
): Promise<number | undefined> {
  const { output, signal } = context
  const wanted = { ...serveOptions(context, options), signal }
  if (options.keep === true) {
    const info = await withDevice(context, (device) => device.gateways.keep(protocol, wanted))
    await output.result(info, () => [describeServing(info)])
    return undefined
  }
  return withDevice(
    context,
    async (device) => {
      try {
        for await (const started of device.gateways.serve(protocol, wanted)) {
          for (const info of started) await announce(context, info)
        }
      } catch (error) {
        if (!signal.aborted) throw error
      }
      return EXIT_STATUSES.done
    },
    { isOnline: true },
  )
}

async function announce({ output }: CommandContext, info: GatewayInfo): Promise<void> {
  if (output.isJson) {
    await output.write(`${JSON.stringify(info)}\n`)
    return
  }
  await output.write(`${describeServing(info)}\n`)
  output.note('Ctrl-C ends it.')
}

function describeServing({ space, url, isReadOnly }: GatewayInfo): string {
  return `Serving ${escapeText(space.name)}${isReadOnly ? ', read-only,' : ''} at ${url}`
}

function serveOptions({ directory }: CommandContext, options: ServeCommandOptions): ServeOptions {
  const { space, port, host, readOnly, allow, passwordFile, tlsKey, tlsCert } = options
  const file = (name: string) => path.resolve(directory, name)
  return {
    ...(space !== undefined && { space }),
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(readOnly === true && { isReadOnly: true }),
    ...(allow !== undefined && { allowedAddresses: allow }),
    ...(passwordFile !== undefined && { passwordFile: file(passwordFile) }),
    ...(tlsKey !== undefined && { tlsKey: file(tlsKey) }),
    ...(tlsCert !== undefined && { tlsCertificate: file(tlsCert) }),
  }
}

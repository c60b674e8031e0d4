import type { GatewayInfo } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { countOf } from '../output/format-count.ts'
import { formatTable } from '../output/format-table.ts'
import { withDevice } from '../with-device.ts'

export function gatewaysCommand(run: RunCommand): Command {
  const command = new Command('gateways')
    .summary('list the spaces that are served as drives, or stop one')
    .description('Lists what "dittofs serve" and "dittofs mount" serve in the daemon of this home.')
    .action(() => run(list))
    .addCommand(stopCommand(run))
  return explain(command, { examples: [['dittofs gateways', 'protocol, space, address, clients']] })
}

function stopCommand(run: RunCommand): Command {
  const command = new Command('stop')
    .summary('stop serving')
    .description('Ends a gateway and its connections, and forgets it. What was written through it is committed first.')
    .argument('<id>', 'its ID, as "dittofs gateways" lists it')
    .action((id: string) => run((context) => stop(context, id)))
  return explain(command, {
    examples: [['dittofs gateways stop 5f2c09ab', 'clients are disconnected']],
    statuses: { notFound: 'there is no such gateway' },
  })
}

async function list(context: CommandContext): Promise<undefined> {
  const gateways = await withDevice(context, (device) => device.gateways.list())
  await context.output.result(gateways, () => formatGateways(gateways))
}

async function stop(context: CommandContext, id: string): Promise<undefined> {
  await withDevice(context, (device) => device.gateways.stop(id))
  await context.output.result({ id }, () => [`Stopped ${escapeText(id)}.`])
}

function formatGateways(gateways: readonly GatewayInfo[]): string[] {
  if (gateways.length === 0) return ['Nothing is served; "dittofs serve" does.']
  const rows = gateways.map(({ id, protocol, space, isReadOnly, isKept, connections, url, problem }) => {
    const state = problem === undefined ? countOf(connections, 'client') : `not served: ${escapeText(problem)}`
    const kind = `${isReadOnly ? 'read-only' : 'read and write'}${isKept ? ', kept' : ''}`
    return [id, protocol, escapeText(space.name), kind, url, state]
  })
  return formatTable([['ID', 'PROTOCOL', 'SPACE', 'ACCESS', 'ADDRESS', 'STATE'], ...rows])
}

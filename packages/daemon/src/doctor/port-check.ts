import type { Check, Finding, LinkState } from '@dittofs/interface'
import { parseTcpAddress } from '@dittofs/transport-tcp'

export interface PortCheckInit {
  /** `port` and `host` of the settings. */
  settings: () => { readonly port: number; readonly host: string }
  /** The daemon's TCP listener; `undefined` where no daemon runs. */
  listener: () => Promise<LinkState | undefined>
  /** Tries to listen. @returns the code of the system's error; `undefined` where it could */
  listen: (port: number, host: string) => Promise<string | undefined>
  /** Whether a connection to the address can be opened from this machine. */
  connect: (host: string, port: number) => Promise<boolean>
}

/** Whether others can connect: the daemon listens on each interface, or its port is free for it. */
export function portCheck(init: PortCheckInit): Check {
  return {
    name: 'tcp port',
    run: async () => {
      const listener = await init.listener()
      return listener === undefined ? [await beforeStart(init)] : checkListener(init, listener)
    },
  }
}

async function beforeStart({ settings, listen }: PortCheckInit): Promise<Finding> {
  const { port, host } = settings()
  const shown = port === 0 ? 'a free TCP port' : `TCP port ${port}`
  const code = await listen(port, host)
  switch (code) {
    case undefined:
      return { level: 'ok', text: `No daemon runs; ${shown} is there for it. "dittofs daemon" starts one.` }
    case 'EADDRINUSE':
      return {
        level: 'problem',
        text: `Another program holds TCP port ${port}; end it, or choose another "port" in config.toml.`,
      }
    case 'EACCES':
      return {
        level: 'problem',
        text: `This user may not listen at TCP port ${port}; choose a "port" above 1023 in config.toml.`,
      }
    case 'EADDRNOTAVAIL':
      return {
        level: 'problem',
        text: `This machine has no address ${JSON.stringify(host)}; correct "host" in config.toml, or leave it empty.`,
      }
    default:
      return { level: 'problem', text: `Listening at ${shown} fails with ${code}; see whether the network is up.` }
  }
}

async function checkListener({ connect }: PortCheckInit, listener: LinkState): Promise<Finding[]> {
  const addresses = listener.addresses ?? []
  if (!listener.isUp || addresses.length === 0) {
    const reason = listener.reason ?? 'no network is connected.'
    return [{ level: 'problem', text: `The daemon does not listen: ${reason} Nobody can connect to this device.` }]
  }
  const findings: Finding[] = []
  for (const address of addresses) {
    const { host, port } = parseTcpAddress(address)
    const isOpen = await connect(host, port)
    findings.push(
      isOpen
        ? { level: 'ok', text: `The daemon answers at ${address}.` }
        : {
            level: 'problem',
            text: `The daemon listens at ${address}, but a connection does not get through; allow TCP port ${port} in the firewall.`,
          },
    )
  }
  return findings
}

import type { Check, Finding } from '@dittofs/interface'
import { parseIceUrl } from '@dittofs/wire'

/**
 * Whether this device learns the address that other networks see.
 *
 * @param servers - URLs of the settings; empty: none
 * @param ask - asks a server, as `HOST:PORT`. @returns what is wrong; `undefined` where it answers
 */
export function stunCheck(
  servers: () => readonly string[],
  ask: (server: string) => Promise<string | undefined>,
): Check {
  return {
    name: 'stun',
    run: async () => {
      if (servers().length === 0) return [{ level: 'ok', text: 'No STUN server is in the settings.' }]
      return Promise.all(servers().map((url) => findingOf(url, ask)))
    },
  }
}

async function findingOf(url: string, ask: (server: string) => Promise<string | undefined>): Promise<Finding> {
  const { host, port } = parseIceUrl(url)
  const name = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const problem = await ask(name)
  if (problem === undefined) return { level: 'ok', text: `The STUN server ${name} answers.` }
  const remedy = 'see that UDP to it passes the firewall, or name another under "stun" in config.toml'
  return { level: 'warning', text: `The STUN server ${name} is of no use: ${problem}; ${remedy}.` }
}

import type { Check } from '@dittofs/interface'

/**
 * Whether this device learns the address that other networks see.
 *
 * @param server - of the settings, `HOST:PORT`; empty: none
 * @param ask - asks it. @returns what is wrong; `undefined` where it answers
 */
export function stunCheck(server: () => string, ask: (server: string) => Promise<string | undefined>): Check {
  return {
    name: 'stun',
    run: async () => {
      const name = server()
      if (name === '') return [{ level: 'ok', text: 'No STUN server is in the settings.' }]
      const problem = await ask(name)
      if (problem === undefined) return [{ level: 'ok', text: `The STUN server ${name} answers.` }]
      const remedy = 'see that UDP to it passes the firewall, or name another under "stun" in config.toml'
      return [{ level: 'warning', text: `The STUN server ${name} is of no use: ${problem}; ${remedy}.` }]
    },
  }
}

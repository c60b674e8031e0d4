import type { Check, Finding } from '@dittofs/interface'
import { BEACON_PORT, MDNS_PORT } from '@dittofs/transport-tcp'
import { type FirewallRules, findDrops } from './find-drops.ts'

export interface FirewallCheckInit {
  /** What the packet filter is set to; `undefined` where this user may not read it, or there is none. */
  rules: () => Promise<FirewallRules | undefined>
  /** TCP port of this device; `undefined` where it is not known. */
  tcpPort: () => Promise<number | undefined>
}

/** Whether the packet filter of this machine has rules that may drop what other devices send. Signs, no proof. */
export function firewallCheck({ rules, tcpPort }: FirewallCheckInit): Check {
  return {
    name: 'firewall',
    run: async () => {
      const found = await rules()
      if (found === undefined) {
        return [{ level: 'ok', text: 'The rules of the firewall cannot be read by this user; only their effect was.' }]
      }
      const port = await tcpPort()
      const wanted = [`udp ${MDNS_PORT}`, `udp ${BEACON_PORT}`, ...(port === undefined ? [] : [`tcp ${port}`])]
      const drops = findDrops(found, wanted)
      if (drops.length === 0)
        return [{ level: 'ok', text: 'No rule of the firewall looks as if it dropped anything of ours.' }]
      return drops.map(
        (drop): Finding => ({
          level: 'warning',
          text: `The firewall may drop what other devices send: ${drop}; accept ${wanted.join(', ')} before it.`,
        }),
      )
    },
  }
}

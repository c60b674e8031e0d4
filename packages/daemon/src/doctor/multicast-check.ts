import type { Check, Finding } from '@dittofs/interface'
import type { ProbeResult } from '@dittofs/transport-tcp'

/** Whether devices can be found by multicast DNS: the group can be joined, and what is sent to it arrives. */
export function multicastCheck(isOn: () => boolean, probe: () => Promise<ProbeResult[]>): Check {
  return {
    name: 'multicast',
    run: async () => {
      if (!isOn()) return [{ level: 'ok', text: 'Finding devices by multicast DNS is switched off in the settings.' }]
      const results = await probe()
      if (results.length === 0) {
        return [{ level: 'warning', text: 'No interface has IPv4, so multicast DNS over IPv4 was not tried.' }]
      }
      return results.map(describe)
    },
  }
}

function describe({ name, address, problem }: ProbeResult): Finding {
  if (problem === undefined) return { level: 'ok', text: `Multicast DNS works on ${name} (${address}).` }
  return {
    level: 'problem',
    text: `Multicast DNS does not work on ${name} (${address}): ${problem}; allow UDP port 5353 to and from 224.0.0.251 in the firewall, or name other devices under "peers" in config.toml.`,
  }
}

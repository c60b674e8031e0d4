import type { Check, Finding } from '@dittofs/interface'
import { BEACON_PORT, type ProbeResult } from '@dittofs/transport-tcp'

/** Whether devices can be found by the beacon: its port can be bound, and a broadcast is sent and arrives. */
export function beaconCheck(isOn: () => boolean, probe: () => Promise<ProbeResult[]>): Check {
  return {
    name: 'beacon',
    run: async () => {
      if (!isOn()) return [{ level: 'ok', text: 'Finding devices by the beacon is switched off in the settings.' }]
      const results = await probe()
      if (results.length === 0) {
        return [{ level: 'warning', text: 'No interface has an IPv4 broadcast address, so no beacon was tried.' }]
      }
      return results.map(describe)
    },
  }
}

function describe({ name, address, problem }: ProbeResult): Finding {
  if (problem === undefined) return { level: 'ok', text: `The beacon works on ${name} (${address}).` }
  return {
    level: 'problem',
    text: `The beacon does not work on ${name} (${address}): ${problem}; allow UDP port ${BEACON_PORT} in the firewall and end what else holds it, or name other devices under "peers" in config.toml.`,
  }
}

import type { Check, Finding } from '@dittofs/interface'
import { type InterfaceAddress, type NetworkInterfaces, usableAddresses } from '@dittofs/transport-tcp'

/** Which networks this machine is in, and whether that is likely to confuse. */
export function interfacesCheck(interfaces: () => NetworkInterfaces): Check {
  return {
    name: 'interfaces',
    run: async () => {
      const addresses = usableAddresses(interfaces())
      const outward = addresses.filter(({ isLoopback }) => !isLoopback)
      if (outward.length === 0) {
        return [{ level: 'problem', text: 'No network is connected: plug one in, or switch Wi-Fi on.' }]
      }
      const routed = outward.filter(({ isLinkLocal }) => !isLinkLocal)
      if (routed.length === 0) {
        return [
          {
            level: 'warning',
            text: 'Every address of this machine is link-local: no router gave it one, so only devices on the same cable or Wi-Fi are reached.',
          },
        ]
      }
      const names = [...new Set(outward.map(({ name }) => name))]
      const listed =
        names.length === 1
          ? `One interface is up: ${names[0]}.`
          : `${names.length} interfaces are up: ${names.join(', ')}.`
      return [{ level: 'ok', text: listed }, ...overlaps(routed)]
    },
  }
}

/** Two interfaces in one network: answers may go out by the other one, and firewalls drop those. */
function overlaps(addresses: readonly InterfaceAddress[]): Finding[] {
  const byNetwork = new Map<string, Set<string>>()
  for (const entry of addresses.filter(({ family, prefixLength }) => family === 'IPv4' && prefixLength < 31)) {
    const network = networkOf(entry)
    byNetwork.set(network, (byNetwork.get(network) ?? new Set()).add(entry.name))
  }
  return [...byNetwork].flatMap(([network, names]): Finding[] =>
    names.size < 2
      ? []
      : [
          {
            level: 'warning',
            text: `${[...names].join(' and ')} are both in the network ${network}; if devices come and go, switch one of them off.`,
          },
        ],
  )
}

function networkOf({ address, prefixLength }: InterfaceAddress): string {
  const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** (32 - prefixLength)
  const first = Math.floor(value / size) * size
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${prefixLength}`
}

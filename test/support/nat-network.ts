import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type TestHost, TestNetwork } from './network.ts'

const run = promisify(execFile)
/** The last part of a device's first address. */
const DEVICE = 2

/**
 * What routers do to UDP (RFC 4787), by their usual names. In the first three a device keeps one port whoever it sends
 * to; then anybody may answer, anybody at an address it sent to, or only whom it sent to. With the last each receiver
 * sees another port, and only that receiver may answer.
 */
export const NAT_TYPES = ['full-cone', 'address-restricted', 'port-restricted', 'symmetric'] as const
export type NatType = (typeof NAT_TYPES)[number]

/** A device behind a router. */
export interface Home {
  readonly nat: NatType
  readonly device: TestHost
  /** The address of the router in the network that all homes share. */
  readonly publicAddress: string
  /** Gives the device another address, as another network would; the one before is gone. */
  move(): Promise<void>
}

/** A network of public addresses with one server in it, and homes behind routers. All of it on this machine alone. */
export class NatNetwork {
  readonly server: TestHost
  readonly homes: readonly Home[]
  readonly #public: TestNetwork

  private constructor(network: TestNetwork, homes: readonly Home[]) {
    this.#public = network
    this.server = network.hosts[0]!
    this.homes = homes
  }

  /** @param nats - one home for each, at most 100 */
  static async create(nats: readonly NatType[]): Promise<NatNetwork> {
    const network = await TestNetwork.create(nats.length + 2)
    const [server, nowhere, ...routers] = network.hosts
    // What is meant for nobody here, such as a private address, vanishes without an error, as it does out there.
    for (const host of [server!, ...routers]) {
      await host.exec('ip', ['route', 'add', 'default', 'via', nowhere!.address])
    }
    const homes: Home[] = []
    for (const [index, nat] of nats.entries()) {
      const router = routers[index]!
      homes.push(await plugDevice(router, nat, `192.168.${index + 1}`))
      await translate(router, nat, `192.168.${index + 1}.${DEVICE}`)
    }
    return new NatNetwork(network, homes)
  }

  async close(): Promise<void> {
    for (const { device } of this.homes) await run('ip', ['netns', 'delete', device.namespace])
    await this.#public.close()
  }
}

async function plugDevice(router: TestHost, nat: NatType, subnet: string): Promise<Home> {
  const namespace = `${router.namespace}-home`
  const inRouter = async (...args: string[]) => void (await run('ip', ['-n', router.namespace, ...args]))
  const inDevice = async (...args: string[]) => void (await run('ip', ['-n', namespace, ...args]))
  await run('ip', ['netns', 'add', namespace])
  await inRouter('link', 'add', 'home', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  await inRouter('addr', 'add', `${subnet}.1/24`, 'dev', 'home')
  await inRouter('link', 'set', 'home', 'up')
  await router.exec('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
  await inDevice('link', 'set', 'lo', 'up')
  await inDevice('link', 'set', 'eth0', 'up')
  let last = DEVICE
  const settle = async () => {
    await inDevice('addr', 'add', `${subnet}.${last}/24`, 'dev', 'eth0')
    await inDevice('route', 'add', 'default', 'via', `${subnet}.1`)
  }
  await settle()
  const device = {
    namespace,
    address: `${subnet}.${DEVICE}`,
    exec: async (program: string, args: readonly string[]) =>
      void (await run('ip', ['netns', 'exec', namespace, program, ...args])),
  }
  const move = async () => {
    last++
    await inDevice('-4', 'addr', 'flush', 'dev', 'eth0')
    await settle()
  }
  return { nat, device, publicAddress: router.address, move }
}

/**
 * Makes a host a router of that kind. Linux keeps the port of a sender where it can and lets in only the answers, which
 * is port-restricted; the sets remember to whom a port was opened and let more in.
 */
async function translate(router: TestHost, nat: NatType, device: string): Promise<void> {
  const opened = {
    'full-cone': { type: 'inet_service', outward: 'udp sport', inward: 'udp dport' },
    'address-restricted': {
      type: 'ipv4_addr . inet_service',
      outward: 'ip daddr . udp sport',
      inward: 'ip saddr . udp dport',
    },
    'port-restricted': undefined,
    symmetric: undefined,
  }[nat]
  const rules = `
    table ip nat-box {
      ${opened === undefined ? '' : `set opened { type ${opened.type}; flags dynamic,timeout; timeout 5m; }`}
      chain outward {
        type filter hook forward priority 0;
        ${opened === undefined ? '' : `iifname "home" meta l4proto udp update @opened { ${opened.outward} }`}
      }
      chain inward {
        type nat hook prerouting priority dstnat;
        ${opened === undefined ? '' : `iifname "eth0" ${opened.inward} @opened dnat to ${device}`}
      }
      chain leave {
        type nat hook postrouting priority srcnat;
        oifname "eth0" masquerade ${nat === 'symmetric' ? 'random,fully-random' : ''}
      }
      # A packet that nobody waits for must leave no trace: one that the router itself took would occupy the port.
      chain input { type filter hook input priority 0; iifname "eth0" meta l4proto udp drop; }
    }`
  await router.exec('nft', [rules])
}

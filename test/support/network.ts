import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Why network namespaces cannot be made here; `undefined` when they can. */
export function namespacesUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  try {
    execFileSync('ip', ['-V'], { stdio: 'ignore' })
  } catch {
    return 'the program ip (iproute2) is not installed'
  }
  return undefined
}

/** Why packets cannot be filtered here; `undefined` when they can. */
export function packetFilterUnavailable(): string | undefined {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'the program nft (nftables) is not installed'
  }
  return namespacesUnavailable()
}

/** A host of its own: a network namespace with one interface on a shared switch. */
export interface TestHost {
  readonly namespace: string
  readonly address: string
  /** Runs a program in the host's network. */
  exec(program: string, args: readonly string[]): Promise<void>
}

/** A switch with hosts plugged in, on this machine alone: nothing of it can reach any other network. */
export class TestNetwork {
  readonly hosts: readonly TestHost[]
  readonly #switch: string

  private constructor(switchNamespace: string, hosts: readonly TestHost[]) {
    this.#switch = switchNamespace
    this.hosts = hosts
  }

  /**
   * @param count - how many hosts to plug in, 1 to 200
   * @param family - of the addresses they get; with IPv6 they have no other, but those that every link has
   */
  static async create(count: number, family: 'IPv4' | 'IPv6' = 'IPv4'): Promise<TestNetwork> {
    const id = randomBytes(3).toString('hex')
    const switchNamespace = `dittofs-${id}-switch`
    const ip = async (...args: string[]) => void (await run('ip', args))
    await ip('netns', 'add', switchNamespace)
    await ip('-n', switchNamespace, 'link', 'add', 'bridge', 'type', 'bridge', 'mcast_snooping', '0')
    await ip('-n', switchNamespace, 'link', 'set', 'bridge', 'up')
    const hosts: TestHost[] = []
    for (let i = 0; i < count; i++) {
      const namespace = `dittofs-${id}-${i}`
      const address = family === 'IPv4' ? `10.77.0.${i + 1}` : `fd00:77::${(i + 1).toString(16)}`
      await ip('netns', 'add', namespace)
      // New IPv6 addresses are of use at once, not after the second or two in which others could object (RFC 4862).
      const setting = '/proc/sys/net/ipv6/conf/default/accept_dad'
      await ip('netns', 'exec', namespace, 'sh', '-c', `test ! -e ${setting} || echo 0 > ${setting}`)
      await ip('-n', namespace, 'link', 'set', 'lo', 'up')
      await ip(
        '-n',
        namespace,
        'link',
        'add',
        'eth0',
        'type',
        'veth',
        'peer',
        'name',
        `port${i}`,
        'netns',
        switchNamespace,
      )
      await ip('-n', switchNamespace, 'link', 'set', `port${i}`, 'master', 'bridge', 'up')
      const own = family === 'IPv4' ? [`${address}/24`, 'brd', '+'] : [`${address}/64`]
      await ip('-n', namespace, 'addr', 'add', ...own, 'dev', 'eth0')
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up')
      hosts.push({
        namespace,
        address,
        exec: async (program, args) => void (await run('ip', ['netns', 'exec', namespace, program, ...args])),
      })
    }
    return new TestNetwork(switchNamespace, hosts)
  }

  /** Drops all multicast at every host, as some access points do. */
  async blockMulticast(): Promise<void> {
    for (const host of this.hosts) {
      await host.exec('nft', ['add', 'table', 'inet', 'dittofs'])
      for (const hook of ['input', 'output']) {
        await host.exec('nft', ['add', 'chain', 'inet', 'dittofs', hook, `{ type filter hook ${hook} priority 0 ; }`])
        await host.exec('nft', ['add', 'rule', 'inet', 'dittofs', hook, 'ip', 'daddr', '224.0.0.0/4', 'drop'])
        await host.exec('nft', [
          'add',
          'rule',
          'inet',
          'dittofs',
          hook,
          'ip6',
          'daddr',
          'ff00::/8',
          'meta',
          'l4proto',
          'udp',
          'drop',
        ])
      }
    }
  }

  /** Pulls or plugs a host's cable. */
  async setPlugged(index: number, isPlugged: boolean): Promise<void> {
    await run('ip', ['-n', this.#switch, 'link', 'set', `port${index}`, isPlugged ? 'up' : 'down'])
  }

  async close(): Promise<void> {
    for (const namespace of [...this.hosts.map((host) => host.namespace), this.#switch]) {
      await run('ip', ['netns', 'delete', namespace])
    }
  }
}

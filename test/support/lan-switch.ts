import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { TestHost } from './network.ts'

const run = promisify(execFile)

/** A further network of hosts that have another one already: a switch with a cable to each, without a route to anywhere. */
export class LanSwitch {
  readonly #namespace: string

  private constructor(namespace: string) {
    this.#namespace = namespace
  }

  /** Each host gets the interface `lan` with an address of 10.88.0.0/24. */
  static async connect(hosts: readonly TestHost[]): Promise<LanSwitch> {
    const namespace = `dittofs-${randomBytes(3).toString('hex')}-lan`
    const ip = async (...args: string[]) => void (await run('ip', args))
    const inSwitch = (...args: string[]) => ip('-n', namespace, ...args)
    await ip('netns', 'add', namespace)
    await inSwitch('link', 'add', 'bridge', 'type', 'bridge', 'mcast_snooping', '0')
    await inSwitch('link', 'set', 'bridge', 'up')
    for (const [index, host] of hosts.entries()) {
      const inHost = (...args: string[]) => ip('-n', host.namespace, ...args)
      await inSwitch('link', 'add', `port${index}`, 'type', 'veth', 'peer', 'name', 'lan', 'netns', host.namespace)
      await inSwitch('link', 'set', `port${index}`, 'master', 'bridge', 'up')
      await inHost('addr', 'add', `10.88.0.${index + 1}/24`, 'brd', '+', 'dev', 'lan')
      await inHost('link', 'set', 'lan', 'up')
    }
    return new LanSwitch(namespace)
  }

  /** Pulls or plugs the cable of a host, by its place in the list. */
  async setPlugged(index: number, isPlugged: boolean): Promise<void> {
    await run('ip', ['-n', this.#namespace, 'link', 'set', `port${index}`, isPlugged ? 'up' : 'down'])
  }

  async close(): Promise<void> {
    await run('ip', ['netns', 'delete', this.#namespace])
  }
}

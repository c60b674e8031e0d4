import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { namespacesUnavailable, type TestHost } from '../test/support/network.ts'

const SOURCE = path.resolve('bench/delay-link.c')

/** Why no wire with a delay can be made here; `undefined` when it can. */
function delayUnavailable(): string | undefined {
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  if (spawnSync('gcc', ['--version']).error !== undefined) return 'gcc is missing (Debian: gcc and libc6-dev)'
  return namespacesUnavailable()
}

export interface Distance {
  /** Mbit/s of each direction. */
  readonly mbit: number
  /** Milliseconds; half of it is the way there. */
  readonly roundTripMs: number
}

/**
 * Runs `body` with two hosts at the two ends of a wire. Its queues hold twice what is on the wire, as a router's do: with
 * less TCP never fills it.
 *
 * @throws Error where such a wire cannot be made
 */
export async function withDistantHosts<T>(
  { mbit, roundTripMs }: Distance,
  body: (a: TestHost, b: TestHost) => Promise<T>,
): Promise<T> {
  const reason = delayUnavailable()
  if (reason !== undefined) throw new Error(`this benchmark cannot run here: ${reason}`)
  const id = randomBytes(3).toString('hex')
  const directory = await mkdtemp(path.join(tmpdir(), 'dittofs-delay-'))
  const program = path.join(directory, 'delay-link')
  execFileSync('gcc', ['-O2', '-Wall', '-o', program, SOURCE])
  const queueBytes = Math.max(64 * 1024, Math.round((2 * mbit * 1e6 * roundTripMs) / 8 / 1000))
  const devices = [`dt${id}a`, `dt${id}b`] as const
  const wire = spawn(program, [...devices, `${mbit}`, `${roundTripMs / 2}`, `${queueBytes}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(wire, 'exit')
  const hosts: TestHost[] = []
  try {
    await Promise.race([
      once(createInterface({ input: wire.stdout }), 'line'),
      ended.then(() => Promise.reject(new Error('the wire with a delay was not made'))),
    ])
    for (const [index, device] of devices.entries()) hosts.push(plug(`dittofs-${id}-far${index}`, device, index))
    return await body(hosts[0] as TestHost, hosts[1] as TestHost)
  } finally {
    wire.stdin.end()
    await ended
    for (const { namespace } of hosts) execFileSync('ip', ['netns', 'delete', namespace])
    await rm(directory, { recursive: true, force: true })
  }
}

/** Makes a host of its own at one end. Its interface is called as that of other hosts, so that bytes are counted alike. */
function plug(namespace: string, device: string, index: number): TestHost {
  const ip = (...args: string[]) => void execFileSync('ip', args)
  const address = `10.78.0.${index + 1}`
  ip('netns', 'add', namespace)
  ip('link', 'set', device, 'netns', namespace)
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
  ip('-n', namespace, 'link', 'set', device, 'name', 'eth0')
  ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
  ip('-n', namespace, 'link', 'set', 'eth0', 'up', 'txqueuelen', '10000')
  return {
    namespace,
    address,
    exec: async (program, args) => void execFileSync('ip', ['netns', 'exec', namespace, program, ...args]),
  }
}

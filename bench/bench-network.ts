import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { namespacesUnavailable, type TestHost, TestNetwork } from '../test/support/network.ts'
import { timed } from './scratch.ts'

const RAW_TCP_PEER = path.resolve('bench/raw-tcp-peer.mjs')

/** Bytes that the interface of a host has sent and received. */
export interface WireBytes {
  readonly sent: number
  readonly received: number
}

/**
 * Runs `body` with two hosts of their own, joined by a switch.
 *
 * @param mbit - rate of each host's sending in Mbit/s; 0 for no limit
 * @throws Error where network namespaces cannot be made
 */
export async function withTwoHosts<T>(mbit: number, body: (a: TestHost, b: TestHost) => Promise<T>): Promise<T> {
  const reason = namespacesUnavailable()
  if (reason !== undefined) throw new Error(`this benchmark cannot run here: ${reason}`)
  const network = await TestNetwork.create(2)
  try {
    for (const { namespace } of network.hosts) {
      if (mbit === 0) continue
      const shape = ['rate', `${mbit}mbit`, 'burst', '64kb', 'latency', '50ms']
      execFileSync('tc', ['-n', namespace, 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', ...shape])
    }
    const [a, b] = network.hosts as readonly [TestHost, TestHost]
    return await body(a, b)
  } finally {
    await network.close()
  }
}

/** What went over a host's wire while `body` ran, Ethernet headers included. */
export async function wireBytesOf(host: TestHost, body: () => Promise<unknown>): Promise<WireBytes> {
  const before = countersOf(host)
  await body()
  const after = countersOf(host)
  return { sent: after.sent - before.sent, received: after.received - before.received }
}

function countersOf({ namespace }: TestHost): WireBytes {
  const text = execFileSync('ip', ['-n', namespace, '-s', '-j', 'link', 'show', 'eth0'], { encoding: 'utf8' })
  const [link] = JSON.parse(text) as { stats64: { rx: { bytes: number }; tx: { bytes: number } } }[]
  if (link === undefined) throw new Error('the interface is gone')
  return { sent: link.stats64.tx.bytes, received: link.stats64.rx.bytes }
}

/** Sends a file over plain TCP from one host to the other; milliseconds from the sender's start to "it is on disk". */
export async function rawTcp(from: TestHost, to: TestHost, file: string, arrived: string): Promise<number> {
  const node = (host: TestHost, ...args: string[]) =>
    spawn('ip', ['netns', 'exec', host.namespace, process.execPath, RAW_TCP_PEER, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  const receiver = node(to, 'receive', to.address, arrived)
  const [port] = (await once(createInterface({ input: receiver.stdout }), 'line')) as [string]
  const ended = once(receiver, 'exit')
  const ms = await timed(async () => {
    const [status] = (await once(node(from, 'send', to.address, port, file), 'exit')) as [number | null]
    if (status !== 0) throw new Error(`the raw TCP sender ended with ${status}`)
  })
  await ended
  return ms
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestHost } from '../test/support/network.ts'

/** How rsync is spoken to. */
export type RsyncWay = 'daemon' | 'ssh'

const PORTS: Readonly<Record<RsyncWay, number>> = { daemon: 8730, ssh: 2222 }
const PATIENCE_MS = 10_000

/** Why there is no row with rsync that way; `undefined` when it can be run. */
export function rsyncUnavailable(way: RsyncWay): string | undefined {
  const programs = way === 'daemon' ? ['rsync'] : ['rsync', 'ssh', 'ssh-keygen', '/usr/sbin/sshd']
  return programs.find((program) => !isThere(program))
}

/** An rsync receiver at one host, to which another pushes. */
export class RsyncPeer {
  readonly #way: RsyncWay
  readonly #from: TestHost
  readonly #target: string
  readonly #options: readonly string[]
  readonly #server: ChildProcess

  private constructor(way: RsyncWay, from: TestHost, target: string, options: readonly string[], server: ChildProcess) {
    this.#way = way
    this.#from = from
    this.#target = target
    this.#options = options
    this.#server = server
  }

  /**
   * @param state - an empty directory for keys and settings
   * @param target - directory that is pushed to
   */
  static async start(way: RsyncWay, from: TestHost, to: TestHost, state: string, target: string): Promise<RsyncPeer> {
    await mkdir(state, { recursive: true })
    await mkdir(target, { recursive: true })
    const { command, options, address } =
      way === 'daemon' ? await daemonOf(to, state, target) : await sshOf(to, state, target)
    const server = spawn('ip', ['netns', 'exec', to.namespace, ...command], { stdio: 'ignore' })
    const peer = new RsyncPeer(way, from, address, options, server)
    await untilListening(from, to, PORTS[way])
    return peer
  }

  get name(): string {
    return this.#way === 'daemon' ? 'rsync to its daemon' : 'rsync over ssh'
  }

  /** Makes the target what `source` is: a file, or with a slash at its end what is in a directory. */
  async push(source: string, ...moreOptions: readonly string[]): Promise<void> {
    const args = ['-a', '--no-whole-file', '--delete', ...moreOptions, ...this.#options, source, this.#target]
    const child = spawn('ip', ['netns', 'exec', this.#from.namespace, 'rsync', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [status] = (await once(child, 'exit')) as [number | null]
    if (status !== 0) throw new Error(`rsync ended with ${status}`)
  }

  async stop(): Promise<void> {
    if (this.#server.exitCode !== null) return
    const ended = once(this.#server, 'exit')
    this.#server.kill()
    await ended
  }
}

async function daemonOf(to: TestHost, state: string, target: string) {
  const config = path.join(state, 'rsyncd.conf')
  const lines = ['use chroot = no', 'uid = root', 'gid = root', '[target]', `path = ${target}`, 'read only = no']
  await writeFile(config, `${lines.join('\n')}\n`)
  const port = PORTS.daemon
  return {
    command: ['rsync', '--daemon', '--no-detach', `--config=${config}`, `--address=${to.address}`, `--port=${port}`],
    options: [],
    address: `rsync://${to.address}:${port}/target/`,
  }
}

async function sshOf(to: TestHost, state: string, target: string) {
  const [hostKey, userKey, config] = ['host', 'user', 'sshd_config'].map((name) => path.join(state, name)) as [
    string,
    string,
    string,
  ]
  for (const key of [hostKey, userKey]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const port = PORTS.ssh
  const lines = [
    ...[`Port ${port}`, `ListenAddress ${to.address}`, `HostKey ${hostKey}`, `AuthorizedKeysFile ${userKey}.pub`],
    ...[`PidFile ${path.join(state, 'pid')}`, 'PasswordAuthentication no', 'StrictModes no', 'UsePAM no'],
    'PermitRootLogin prohibit-password',
  ]
  await writeFile(config, `${lines.join('\n')}\n`)
  await mkdir('/run/sshd', { recursive: true })
  const known = path.join(state, 'known')
  const ssh = `ssh -F none -p ${port} -i ${userKey} -o StrictHostKeyChecking=no -o UserKnownHostsFile=${known} -o LogLevel=ERROR -o BatchMode=yes`
  return {
    command: ['/usr/sbin/sshd', '-D', '-e', '-f', config],
    options: ['-e', ssh],
    address: `root@${to.address}:${target}/`,
  }
}

/** Waits until something at the host takes connections. */
export async function untilListening(from: TestHost, to: TestHost, port: number): Promise<void> {
  const script = `const s=require('net').connect(${port},'${to.address}');s.on('connect',()=>process.exit(0));s.on('error',()=>process.exit(1))`
  for (const giveUpAt = Date.now() + PATIENCE_MS; Date.now() < giveUpAt; ) {
    try {
      execFileSync('ip', ['netns', 'exec', from.namespace, process.execPath, '-e', script], { stdio: 'ignore' })
      return
    } catch {
      await sleep(100)
    }
  }
  throw new Error('the rsync receiver does not listen')
}

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

import { execFileSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { CheckedFinding } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { endAfterTest, onLan, onLoopback } from './support/lan.ts'
import { namespacesUnavailable, packetFilterUnavailable } from './support/network.ts'
import { pair, peerAddress } from './support/pairing.ts'
import { ProcessDevice } from './support/process-device.ts'

async function examine(
  device: ProcessDevice,
  ...args: string[]
): Promise<{ status: number | null; findings: CheckedFinding[] }> {
  const { status, stdout, stderr } = await device.run('doctor', '--json', ...args)
  try {
    return { status, ...(JSON.parse(stdout) as { findings: CheckedFinding[] }) }
  } catch {
    throw new Error(`doctor said: ${stdout}${stderr}`)
  }
}

const problemsOf = (findings: readonly CheckedFinding[], check?: string) =>
  findings.filter((one) => one.level === 'problem' && (check === undefined || one.check === check))

describe('doctor', () => {
  it.skipIf(skipBecause(namespacesUnavailable()))(
    'finds no problem on a healthy device, with and without a daemon',
    async () => {
      const directory = await temporaryDirectory()
      const { devices } = await onLan(directory, ['alice'])
      const [alice] = devices
      await alice.must('status')
      const without = await examine(alice)
      expect(problemsOf(without.findings)).toEqual([])
      expect(without.status).toBe(0)
      await alice.start()
      const { status, findings } = await examine(alice)
      expect(problemsOf(findings)).toEqual([])
      expect(status).toBe(0)
      expect(
        findings.find((one) => one.check === 'tcp port' && one.level === 'ok' && one.text.includes('10.77.0.1')),
      ).toBeDefined()
    },
  )

  it.skipIf(skipBecause(packetFilterUnavailable()))(
    'names what a firewall blocks: multicast, and the port of the daemon',
    async () => {
      const directory = await temporaryDirectory()
      const { network, devices } = await onLan(directory, ['alice'])
      const [alice] = devices
      await alice.start('--port', '4100')
      await network.blockMulticast()
      const [host] = network.hosts
      await host?.exec('nft', ['add', 'rule', 'inet', 'dittofs', 'input', 'tcp', 'dport', '4100', 'drop'])
      const { status, findings } = await examine(alice)
      expect(status).toBe(1)
      expect(problemsOf(findings, 'multicast')).toHaveLength(1)
      expect(problemsOf(findings, 'beacon')).toEqual([])
      expect(problemsOf(findings, 'tcp port')[0]?.text).toContain('allow TCP port 4100')
      expect(
        findings.find((one) => one.check === 'firewall' && one.level === 'warning' && one.text.includes('tcp 4100')),
      ).toBeDefined()
    },
  )

  it.skipIf(skipBecause(namespacesUnavailable()))('says that the port is taken', async () => {
    const directory = await temporaryDirectory()
    const { network, devices } = await onLan(directory, ['alice'])
    const [alice] = devices
    await alice.start('--port', '4100')
    const bob = new ProcessDevice({ home: path.join(directory, 'home of bob'), name: 'bob', host: network.hosts[0]! })
    endAfterTest([bob])
    await bob.must('status')
    await writeFile(path.join(bob.home, 'config.toml'), 'port = 4100\n')
    const { status, findings } = await examine(bob)
    expect(status).toBe(1)
    expect(problemsOf(findings, 'tcp port')[0]?.text).toContain('Another program holds TCP port 4100')
  })

  it.skipIf(skipBecause(namespacesUnavailable()))('says that the disk is full', async () => {
    const directory = await temporaryDirectory()
    const disk = path.join(directory, 'disk')
    await mkdir(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk])
    onTestFinished(() => void execFileSync('umount', [disk]))
    const device = new ProcessDevice({ home: path.join(disk, 'home'), name: 'alice' })
    await device.must('status')
    const { status, findings } = await examine(device)
    expect(status).toBe(1)
    expect(problemsOf(findings, 'disk')[0]?.text).toContain('MiB are free on the disk of the home')
  })

  it('takes known patterns to another device and back, which is named or the only one', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await alice.start()
    await bob.start('--peer', peerAddress(alice))
    await pair(alice, bob)
    const one = await examine(alice, '--integrity', 'bob')
    const found = one.findings.find(({ check }) => check === 'peer integrity')
    expect(found?.text).toMatch(
      /^78 contents of known patterns, \d+ MiB, went to "bob" \(.*\) by tcp, .*; seed [0-9a-f]{32}\.$/,
    )
    const seed = /seed ([0-9a-f]{32})/.exec(found?.text ?? '')?.[1] ?? ''
    const again = await examine(bob, '--integrity', '--seed', seed)
    expect(again.findings.find(({ check }) => check === 'peer integrity')).toMatchObject({
      level: 'ok',
      text: expect.stringContaining(`seed ${seed}`) as string,
    })
    for (const { home } of [alice, bob]) {
      expect((await readdir(home)).filter((name) => name.startsWith('integrity'))).toEqual([])
    }
    expect((await alice.run('doctor', '--integrity', 'carol')).status).toBe(4)
    await bob.stop()
    const away = await examine(alice, '--integrity', 'bob')
    expect(away.status).toBe(3)
    expect(problemsOf(away.findings, 'peer integrity')[0]).toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })
})

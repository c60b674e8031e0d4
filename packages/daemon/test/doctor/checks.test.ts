import { createSocket } from 'node:dgram'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import path from 'node:path'
import type { Check, FindingLevel, LinkState, PeerInfo } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { beaconCheck } from '../../src/doctor/beacon-check.ts'
import { bluetoothCheck } from '../../src/doctor/bluetooth-check.ts'
import { clockCheck } from '../../src/doctor/clock-check.ts'
import { configCheck } from '../../src/doctor/config-check.ts'
import { deviceCheck } from '../../src/doctor/device-check.ts'
import { diskCheck } from '../../src/doctor/disk-check.ts'
import { firewallCheck } from '../../src/doctor/firewall-check.ts'
import { homeCheck } from '../../src/doctor/home-check.ts'
import { interfacesCheck } from '../../src/doctor/interfaces-check.ts'
import { multicastCheck } from '../../src/doctor/multicast-check.ts'
import { nodeCheck } from '../../src/doctor/node-check.ts'
import { peersCheck } from '../../src/doctor/peers-check.ts'
import { portCheck } from '../../src/doctor/port-check.ts'
import { probeStun } from '../../src/doctor/probe-stun.ts'
import { runChecks } from '../../src/doctor/run-checks.ts'
import { signalingCheck } from '../../src/doctor/signaling-check.ts'
import { stunCheck } from '../../src/doctor/stun-check.ts'
import { tryToConnect, tryToListen, tryToWatch } from '../../src/doctor/system-probes.ts'
import { watcherCheck } from '../../src/doctor/watcher-check.ts'

type States = () => Promise<readonly LinkState[] | undefined>

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = Date.UTC(2026, 10, 1)

/** The findings of a check as `level text`. */
async function findingsOf(check: Check): Promise<string[]> {
  return (await check.run()).map(({ level, text }) => `${level} ${text}`)
}

async function levelsOf(check: Check): Promise<FindingLevel[]> {
  return (await check.run()).map(({ level }) => level)
}

describe('runChecks', () => {
  it('reports a check that fails as a problem, and goes on', async () => {
    const broken: Check = { name: 'broken', run: () => Promise.reject(new Error('no such thing.')) }
    const fine: Check = { name: 'fine', run: async () => [{ level: 'ok', text: 'Good.' }] }
    expect(await runChecks([broken, fine])).toEqual([
      { check: 'broken', level: 'problem', text: 'This could not be checked: no such thing.' },
      { check: 'fine', level: 'ok', text: 'Good.' },
    ])
  })

  it('waits for no check that hangs', async () => {
    const hanging: Check = { name: 'hanging', run: () => new Promise(() => undefined) }
    expect(await runChecks([hanging], { timeoutMs: 1 })).toMatchObject([{ check: 'hanging', level: 'problem' }])
  })
})

describe('multicast', () => {
  const probe = async () => [
    { name: 'eth0', address: '192.0.2.1' },
    { name: 'wlan0', address: '198.51.100.1', problem: 'the system or its firewall does not allow it' },
  ]

  it('is a problem on each interface where the group cannot be used', async () => {
    const findings = await findingsOf(multicastCheck(() => true, probe))
    expect(findings).toHaveLength(2)
    expect(findings[0]).toMatch(/^ok .*eth0/)
    expect(findings[1]).toMatch(/^problem .*wlan0.*does not allow it; allow UDP port 5353/)
  })

  it('is not tried when it is switched off', async () => {
    const check = multicastCheck(
      () => false,
      () => Promise.reject(new Error('tried')),
    )
    expect(await levelsOf(check)).toEqual(['ok'])
  })

  it('warns where no interface has IPv4', async () => {
    expect(
      await levelsOf(
        multicastCheck(
          () => true,
          async () => [],
        ),
      ),
    ).toEqual(['warning'])
  })
})

describe('beacon', () => {
  it('is a problem where its port is held or broadcasts do not pass', async () => {
    const problem = 'another program holds the port and does not share it'
    const check = beaconCheck(
      () => true,
      async () => [{ name: 'eth0', address: '192.0.2.255', problem }],
    )
    expect((await findingsOf(check))[0]).toMatch(/^problem .*another program holds the port.*UDP port 27177/)
  })
})

describe('tcp port', () => {
  const nothing = { listener: async () => undefined, connect: tryToConnect, listen: tryToListen }

  it('is a problem when another program holds the port that a daemon is to have', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const check = portCheck({ ...nothing, settings: () => ({ port, host: '127.0.0.1' }) })
    expect((await findingsOf(check))[0]).toMatch(/^problem Another program holds TCP port \d+; end it, or choose/)
  })

  it('is a problem when the address to listen at is none of this machine', async () => {
    const check = portCheck({ ...nothing, settings: () => ({ port: 0, host: '192.0.2.9' }) })
    expect((await findingsOf(check))[0]).toMatch(/^problem This machine has no address "192.0.2.9"/)
  })

  it('is a problem when this user may not listen there', async () => {
    const check = portCheck({ ...nothing, settings: () => ({ port: 80, host: '' }), listen: async () => 'EACCES' })
    expect((await findingsOf(check))[0]).toMatch(/^problem This user may not listen at TCP port 80/)
  })

  it('is fine when any port will do', async () => {
    expect(await levelsOf(portCheck({ ...nothing, settings: () => ({ port: 0, host: '' }) }))).toEqual(['ok'])
  })

  it('is a problem on each interface where the daemon listens and does not answer', async () => {
    const addresses = ['tcp://192.0.2.1:4100', 'tcp://[2001:db8::1]:4100']
    const check = portCheck({
      ...nothing,
      settings: () => ({ port: 0, host: '' }),
      listener: async () => ({ name: 'tcp', isUp: true, addresses }),
      connect: async (host) => host === '192.0.2.1',
    })
    expect(await findingsOf(check)).toEqual([
      'ok The daemon answers at tcp://192.0.2.1:4100.',
      'problem The daemon listens at tcp://[2001:db8::1]:4100, but a connection does not get through; allow TCP port 4100 in the firewall.',
    ])
  })

  it('is a problem when the daemon does not listen at all', async () => {
    const listener = async () => ({ name: 'tcp', isUp: false, reason: 'It is off.' })
    const check = portCheck({ ...nothing, settings: () => ({ port: 0, host: '' }), listener })
    expect((await findingsOf(check))[0]).toMatch(/^problem The daemon does not listen: It is off\./)
  })
})

describe('firewall', () => {
  const tcpPort = async () => 4100
  const nft =
    (...objects: object[]) =>
    async () => ({ kind: 'nft' as const, json: { nftables: objects } })
  const chain = (policy: string) => ({
    chain: { family: 'inet', table: 'filter', name: 'input', hook: 'input', policy },
  })
  const rule = (...expr: object[]) => ({ rule: { family: 'inet', table: 'filter', chain: 'input', expr } })
  const port = (protocol: string, right: unknown) => ({
    match: { op: '==', left: { payload: { protocol, field: 'dport' } }, right },
  })

  it('warns of a chain that drops what no rule accepts', async () => {
    const rules = nft(chain('drop'), rule(port('udp', 5353), { accept: null }))
    expect((await findingsOf(firewallCheck({ rules, tcpPort })))[0]).toMatch(/^warning .*drops what comes in unless/)
  })

  it('is fine with a chain that drops when rules accept all that is ours', async () => {
    const rules = nft(
      chain('drop'),
      rule(port('udp', { set: [5353, 27_177] }), { accept: null }),
      rule(port('tcp', 4100), { accept: null }),
    )
    expect(await levelsOf(firewallCheck({ rules, tcpPort }))).toEqual(['ok'])
  })

  it('warns of a rule that drops one of our ports', async () => {
    const rules = nft(chain('accept'), rule(port('udp', 27_177), { drop: null }))
    expect((await findingsOf(firewallCheck({ rules, tcpPort })))[0]).toMatch(/^warning .*drops udp 27177/)
  })

  it('reads the rules of iptables too', async () => {
    const text = '-P INPUT DROP\n-P OUTPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 4100 -j ACCEPT\n'
    const rules = async () => ({ kind: 'iptables' as const, text })
    expect((await findingsOf(firewallCheck({ rules, tcpPort })))[0]).toMatch(/^warning .*the chain INPUT drops/)
    const open = async () => ({ kind: 'iptables' as const, text: '-P INPUT ACCEPT\n' })
    expect(await levelsOf(firewallCheck({ rules: open, tcpPort }))).toEqual(['ok'])
  })

  it('takes any output, and says so where it may not read the rules', async () => {
    expect(await levelsOf(firewallCheck({ rules: nft({ chain: null }, { rule: 7 }), tcpPort }))).toEqual(['ok'])
    expect((await findingsOf(firewallCheck({ rules: async () => undefined, tcpPort })))[0]).toMatch(/cannot be read/)
  })
})

describe('interfaces', () => {
  const v4 = (address: string, isInternal = false) =>
    ({ address, family: 'IPv4', internal: isInternal, cidr: `${address}/24` }) as NetworkInterfaceInfo

  it('is a problem when no network is connected', async () => {
    expect(await levelsOf(interfacesCheck(() => ({ lo: [v4('127.0.0.1', true)] })))).toEqual(['problem'])
  })

  it('warns of two interfaces in one network', async () => {
    const findings = await findingsOf(interfacesCheck(() => ({ eth0: [v4('10.0.0.2')], wlan0: [v4('10.0.0.3')] })))
    expect(findings).toEqual([
      'ok 2 interfaces are up: eth0, wlan0.',
      'warning eth0 and wlan0 are both in the network 10.0.0.0/24; if devices come and go, switch one of them off.',
    ])
  })

  it('warns when no router gave out an address', async () => {
    expect(await levelsOf(interfacesCheck(() => ({ eth0: [v4('169.254.3.4')] })))).toEqual(['warning'])
  })
})

describe('clock', () => {
  const check = (peers: Partial<PeerInfo>[], now = NOW) =>
    clockCheck({
      now: () => now,
      notBefore: Date.UTC(2026, 0, 1),
      peers: async () => peers.map((peer) => ({ name: 'bob', ...peer })),
    })

  it('is a problem before the program was made', async () => {
    expect((await findingsOf(check([], Date.UTC(2001, 0, 1))))[0]).toMatch(/^problem The clock says 2001-01-01/)
  })

  it('warns when the clock of a connected device is another', async () => {
    expect((await findingsOf(check([{ clockOffsetMs: 3 * 60_000 }])))[0]).toMatch(/"bob" is 3 minutes ahead of/)
    expect((await findingsOf(check([{ clockOffsetMs: -3 * DAY_MS }])))[0]).toMatch(/"bob" is 3 days behind/)
  })

  it('warns when a device was seen in the future', async () => {
    expect((await findingsOf(check([{ lastSeen: NOW + 5 * 60 * 60_000 }])))[0]).toMatch(/5 hours in the future/)
  })

  it('is fine when all agree', async () => {
    expect(await levelsOf(check([{ clockOffsetMs: 900, lastSeen: NOW }]))).toEqual(['ok'])
  })
})

describe('node', () => {
  it.each(['18.19.0', '20.19.9'])('is a problem with %s', async (version) => {
    expect(await levelsOf(nodeCheck(version))).toEqual(['problem'])
  })
  it.each(['20.20.0', '22.1.0', process.versions.node])('is fine with %s', async (version) => {
    expect(await levelsOf(nodeCheck(version))).toEqual(['ok'])
  })
})

describe('watchers', () => {
  const check = (watches: number, needed: number, code?: string) =>
    watcherCheck({
      limits: async () => ({ watches, instances: 128 }),
      neededWatches: async () => needed,
      watch: async () => code,
    })

  it('is a problem when live folders have more directories than may be watched', async () => {
    expect((await findingsOf(check(8192, 9000)))[0]).toMatch(/^problem .*9000.*fs\.inotify\.max_user_watches=32768/)
  })
  it('warns when it is close', async () => {
    expect(await levelsOf(check(8192, 8000))).toEqual(['warning'])
  })
  it('is a problem when other programs have taken all of them', async () => {
    expect(await levelsOf(check(8192, 1, 'ENOSPC'))).toEqual(['problem'])
    expect((await findingsOf(check(8192, 1, 'EMFILE')))[0]).toMatch(/^problem .*max_user_instances=256/)
  })
  it('is fine where there is room', async () => {
    expect(await levelsOf(check(8192, 10, await tryToWatch()))).toEqual(['ok'])
  })
})

describe('disk', () => {
  const MIB = 1024 * 1024
  const check = (freeBytes: number, reserve = '') =>
    diskCheck({
      places: async () => [{ title: 'the home', directory: '/home' }],
      space: async () => ({ freeBytes, totalBytes: 100 * 1024 * MIB }),
      reserve: () => reserve,
    })

  it('is a problem when it is full', async () => {
    expect((await findingsOf(check(3 * MIB)))[0]).toMatch(/^problem Only 3 MiB are free on the disk of the home/)
  })
  it('warns when less is free than is to stay so', async () => {
    expect(await levelsOf(check(3000 * MIB))).toEqual(['warning'])
    expect(await levelsOf(check(3000 * MIB, '1 GiB'))).toEqual(['ok'])
  })
  it('warns when it cannot be looked at', async () => {
    const places = async () => [{ title: '"/media/stick"', directory: '/media/stick' }]
    const space = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }))
    expect(await levelsOf(diskCheck({ places, space, reserve: () => '' }))).toEqual(['warning'])
  })
})

describe.skipIf(process.platform === 'win32')('home', () => {
  async function newHome(): Promise<string> {
    const home = path.join(await temporaryDirectory(), 'home')
    await mkdir(path.join(home, 'identity'), { recursive: true })
    await writeFile(path.join(home, 'identity', 'key.pem'), 'secret', { mode: 0o600 })
    for (const place of [home, path.join(home, 'identity')]) await chmod(place, 0o700)
    return home
  }

  it('is fine where only the owner can enter, and where there is none yet', async () => {
    const home = await newHome()
    expect(await levelsOf(homeCheck(home))).toEqual(['ok'])
    expect(await levelsOf(homeCheck(`${home}-2`))).toEqual(['ok'])
  })
  it('is a problem when others can enter it', async () => {
    const home = await newHome()
    await chmod(home, 0o755)
    expect((await findingsOf(homeCheck(home)))[0]).toMatch(/^problem Others can read .*; run: chmod 700/)
  })
  it('is a problem when others can read the key', async () => {
    const home = await newHome()
    await chmod(path.join(home, 'identity', 'key.pem'), 0o644)
    expect((await findingsOf(homeCheck(home)))[0]).toMatch(/^problem Others can read .*key\.pem.*chmod 600/)
  })
  it('is a problem when a directory in it is a symlink', async () => {
    const home = await newHome()
    await symlink('/tmp', path.join(home, 'chunks'))
    expect((await findingsOf(homeCheck(home)))[0]).toMatch(/^problem .*chunks" is a symlink/)
  })
})

describe('config', () => {
  async function withConfig(text: string): Promise<Check> {
    const file = path.join(await temporaryDirectory(), 'config.toml')
    await writeFile(file, text)
    return configCheck(file)
  }

  it('is a problem with a key that does not exist, and with a wrong value', async () => {
    expect((await findingsOf(await withConfig('prot = 7')))[0]).toMatch(/^problem .*no key "prot".*Correct the line/)
    expect((await findingsOf(await withConfig('port = "x"')))[0]).toMatch(/^problem .*port must be/)
  })
  it('warns when nothing finds other devices', async () => {
    expect(await levelsOf(await withConfig('mdns = false\nbeacon = false'))).toEqual(['warning'])
  })
  it('is fine otherwise, also without a file', async () => {
    expect(await levelsOf(await withConfig('port = 4100'))).toEqual(['ok'])
    expect(await levelsOf(configCheck(path.join(await temporaryDirectory(), 'config.toml')))).toEqual(['ok'])
  })
})

describe('device', () => {
  it('passes on what a person should know', async () => {
    const status = async () => ({ isDaemonRunning: true, notices: ['A ticket was used.'] }) as never
    expect(await findingsOf(deviceCheck(async () => ({ status })))).toEqual([
      'ok A daemon runs and answers.',
      'warning A ticket was used.',
    ])
  })
  it('says nothing where there is none', async () => {
    expect(await levelsOf(deviceCheck(async () => undefined))).toEqual([])
  })
})

describe('peers', () => {
  const bob = { id: 'BOB-ID', name: 'bob', isUpToDate: false, missingBytes: 0 } as unknown as PeerInfo
  const check = (...peers: PeerInfo[]) =>
    peersCheck(
      async () => peers,
      () => NOW,
    )

  it('warns of one that was not seen for long, and of one that never was', async () => {
    const long = { ...bob, lastSeen: NOW - 8 * DAY_MS, problem: 'Nobody answers.' }
    expect(await findingsOf(check(long))).toEqual([
      'warning "bob" (BOB-ID) was last seen 8 days ago. Nobody answers. Start it, or remove it with "dittofs devices remove".',
    ])
    expect(await levelsOf(check(bob))).toEqual(['warning'])
  })
  it('is fine with one that is connected or was seen lately', async () => {
    expect(await levelsOf(check({ ...bob, link: 'tcp' }))).toEqual(['ok'])
    expect(await levelsOf(check({ ...bob, lastSeen: NOW - DAY_MS }))).toEqual(['ok'])
    expect(await levelsOf(check())).toEqual(['ok'])
  })
})

describe.each([
  ['signaling', (states: States) => signalingCheck(() => ['wss://signal.example'], states), 'webrtc'],
  ['bluetooth', bluetoothCheck, 'ble'],
])('%s', (_, make, name) => {
  it('warns when the device says that it is down', async () => {
    const down: LinkState = { name, isUp: false, reason: 'the server does not answer' }
    expect((await findingsOf(make(async () => [down])))[0]).toMatch(/^warning .* is down: the server does not answer\./)
  })
  it('is fine when it is up, or not in use', async () => {
    expect(await levelsOf(make(async () => [{ name, isUp: true }]))).toEqual(['ok'])
    expect(await levelsOf(make(async () => undefined))).toEqual(['ok'])
  })
})

describe('signaling', () => {
  it('is fine where no server is in the settings, though the device says that WebRTC is off', async () => {
    const off: LinkState = { name: 'webrtc', isUp: false, reason: 'No signaling server is configured.' }
    expect(
      await levelsOf(
        signalingCheck(
          () => [],
          async () => [off],
        ),
      ),
    ).toEqual(['ok'])
  })
})

describe('stun', () => {
  /** A server on loopback that answers as `answer` says. */
  async function stunServer(answer: (request: Buffer) => Buffer | undefined): Promise<string> {
    const socket = createSocket('udp4')
    socket.on('message', (request, from) => {
      const bytes = answer(request)
      if (bytes !== undefined) socket.send(bytes, from.port, from.address)
    })
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => void socket.close())
    return `127.0.0.1:${socket.address().port}`
  }
  const check = (...servers: string[]) => stunCheck(() => servers.map((server) => `stun:${server}`), probeStun)
  const success = (request: Buffer) => Buffer.concat([Buffer.of(1, 1, 0, 0), request.subarray(4, 20)])

  it('is fine where the server answers, and where there is none', async () => {
    expect(await levelsOf(check(await stunServer(success)))).toEqual(['ok'])
    expect(await levelsOf(check())).toEqual(['ok'])
  })
  it('says of each server whether it is of use', async () => {
    const silent = await stunServer(() => undefined)
    expect(await levelsOf(check(silent, await stunServer(success)))).toEqual(['warning', 'ok'])
  })
  it('warns of a server that is silent, that answers something else, and that refuses', async () => {
    const silent = await stunServer(() => undefined)
    expect((await findingsOf(check(silent)))[0]).toMatch(/^warning .* is of no use: it does not answer; see that UDP/)
    const wrong = await stunServer((request) => success(Buffer.alloc(request.length)))
    expect((await findingsOf(check(wrong)))[0]).toMatch(/it does not answer/)
    const refusing = await stunServer((request) => Buffer.concat([Buffer.of(1, 0x11, 0, 0), request.subarray(4, 20)]))
    expect((await findingsOf(check(refusing)))[0]).toMatch(/it refused to answer/)
  })
})

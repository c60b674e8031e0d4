import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { GatewayInfo, GatewayProtocol, Gateways, ServeOptions, SpaceId } from '@dittofs/interface'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { runCli } from './support/run-cli.ts'

afterEach(() => vi.unstubAllEnvs())

/** A machine without any program that mounts, whose daemon has these gateways. */
async function withoutPrograms(gateways: Map<string, GatewayInfo> = new Map()) {
  const directory = await mkdtemp(path.join(tmpdir(), 'dittofs-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const home = path.join(directory, 'home')
  await mkdir(path.join(home, 'run'), { recursive: true })
  await mkdir(path.join(directory, 'programs'))
  vi.stubEnv('PATH', path.join(directory, 'programs'))
  let nextPort = 4000
  const keep = async (protocol: GatewayProtocol, options: ServeOptions = {}) => {
    const info = gateway(protocol, nextPort++, options.isReadOnly === true)
    gateways.set(info.id, info)
    return info
  }
  const served: Partial<Gateways> = {
    list: async () => [...gateways.values()],
    keep,
    stop: async (id) => void gateways.delete(id),
  }
  const drive = path.join(directory, 'drive')
  const mount = (...args: string[]) =>
    runCli(['mount', drive, ...args], {
      device: { gateways: served as Gateways },
      environment: { DITTOFS_HOME: home },
    })
  return { home, drive, gateways, mount }
}

function gateway(protocol: GatewayProtocol, port: number, isReadOnly: boolean): GatewayInfo {
  const space = { id: '0'.repeat(64) as SpaceId, name: 'My photos' }
  const url = `${protocol === 'nfs' ? 'nfs' : 'http'}://127.0.0.1:${port}/My%20photos`
  const id = `${protocol}-${port}`
  return { id, protocol, host: '127.0.0.1', port, space, url, isReadOnly, isKept: true, connections: 0 }
}

describe.skipIf(process.platform === 'win32')('a mount for which there is no program', () => {
  it('leaves nothing served, and prints what serves and mounts', async () => {
    const { home, gateways, mount } = await withoutPrograms()
    const { status, stdout } = await mount('--read-only')
    expect(status).toBe(1)
    expect(gateways.size).toBe(0)
    expect(stdout).toContain(
      `  dittofs --home ${home} serve nfs --space 'My photos' --port 4000 --keep --read-only\n  mount`,
    )
    expect(stdout).toContain(
      `  dittofs --home ${home} serve webdav --space 'My photos' --port 4001 --keep --read-only\n  mount`,
    )
    expect(stdout).toContain('there is no program "mount')
  })

  it('leaves what was served before as it is', async () => {
    const before = gateway('webdav', 5000, false)
    const { gateways, mount } = await withoutPrograms(new Map([[before.id, before]]))
    const { stdout } = await mount()
    expect([...gateways.values()]).toEqual([before])
    expect(stdout).not.toContain('serve webdav')
  })

  it('stops what it served also where serving the next protocol fails', async () => {
    const { gateways, mount } = await withoutPrograms()
    const get = gateways.set.bind(gateways)
    gateways.set = (id, info) => {
      if (info.protocol === 'webdav') throw new Error('no disk')
      return get(id, info)
    }
    expect((await mount()).status).not.toBe(0)
    expect(gateways.size).toBe(0)
  })
})

import { randomBytes } from 'node:crypto'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { PropertyDatabase } from '@dittofs/gateway-webdav'
import type { Logger, SpaceId, Volume } from '@dittofs/interface'
import { ManualClock, memoryVolume, settle, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeviceGateways, type DeviceGatewaysInit } from '../../src/gateways/device-gateways.ts'
import type { GatewayRow } from '../../src/gateways/gateway-row.ts'
import { openDevice } from '../../src/open-device.ts'
import type { OpenSpace } from '../../src/spaces/open-space.ts'

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

async function withDevice() {
  const home = await temporaryDirectory()
  const device = await openDevice({ home })
  onTestFinished(() => device.close())
  return { home, device }
}

describe('the gateways of a device', () => {
  it('leave nothing in the spool of one that could not serve', async () => {
    const { home, device } = await withDevice()
    const options = { host: '192.0.2.1', port: 0 }
    const serving = device.gateways.serve('nfs', options)[Symbol.asyncIterator]()
    await expect(serving.next()).rejects.toMatchObject({ code: 'DITTO_CONFIG_INVALID' })
    expect(await readdir(path.join(home, 'spool', 'uploads'))).toEqual([])
  })

  it('go on after one that is kept cannot be served, and tell why', async () => {
    const { home, device } = await withDevice()
    await device.serveKept()
    const users = path.join(await temporaryDirectory(), 'users')
    await writeFile(users, 'alice:secret\n', { mode: 0o600 })
    const broken = await device.gateways.keep('webdav', { port: 0, passwordFile: users })
    const good = await device.gateways.keep('nfs', { port: 0 })
    await device.close()
    await chmod(users, 0o644)

    const again = await openDevice({ home })
    onTestFinished(() => again.close())
    await again.serveKept()
    const list = await again.gateways.list()
    expect(list.find(({ id }) => id === broken.id)?.problem).toContain('chmod 600')
    expect(list.find(({ id }) => id === good.id)).toEqual(good)
    await again.gateways.stop(broken.id)
    expect(await again.gateways.list()).toEqual([good])
  })
})

function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((one, other) => {
    resolve = one
    reject = other
  })
  return { promise, resolve, reject }
}

/** Gateways of a device that is not there: its one space is a volume in memory. */
function withTable({ rows = new Map<string, GatewayRow>() } = {}) {
  const clock = new ManualClock()
  const space = { id: 'a'.repeat(64), name: 'home' } as unknown as OpenSpace
  const opening: { resolve: (volume: Volume) => void; reject: (error: Error) => void; atMs: number }[] = []
  const table = {
    all: async () => [...rows.values()],
    put: async (row: GatewayRow) => void rows.set(row.id, row),
    delete: async (id: string) => void rows.delete(id),
  }
  const spool = temporaryDirectory()
  const begin = async (overrides: Partial<DeviceGatewaysInit> = {}) => {
    const gateways = new DeviceGateways({
      ...{ table, clock, logger: SILENT, randomBytes: (length: number) => randomBytes(length) },
      selectSpace: () => space,
      spaceOf: () => space,
      volumeOf: () => new Promise((resolve, reject) => opening.push({ resolve, reject, atMs: clock.monotonic() })),
      properties: () => ({}) as PropertyDatabase,
      spool: await spool,
      ...overrides,
    })
    onTestFinished(() => gateways.close())
    return gateways
  }
  return { clock, rows, table, opening, begin }
}

const aRow = (id: string): GatewayRow => ({
  ...{ id, protocol: 'webdav', space: 'a'.repeat(64) as SpaceId, host: '127.0.0.1', port: 0, isReadOnly: false },
})

describe('kept gateways', () => {
  it('are written down before they serve, so that a crash after that forgets none', async () => {
    const { rows, table, begin } = withTable()
    const volumeOf = async () => memoryVolume()
    const [asked, crashed] = [deferred<GatewayRow>(), deferred<never>()]
    const put = async (row: GatewayRow) => {
      // The process is gone with the second write.
      if (row.port !== 0) return crashed.promise
      await table.put(row)
      asked.resolve(row)
    }
    const first = await begin({ volumeOf, table: { ...table, put } })
    await first.serveKept()
    const keeping = first.keep('webdav', { port: 0 })
    const { id } = await asked.promise
    expect([...rows.keys()]).toEqual([id])

    const second = await begin({ volumeOf })
    await second.serveKept()
    const [served] = await second.list()
    expect(served).toMatchObject({ id, isKept: true })
    expect(rows.get(id)?.port).toBe(served?.port)
    crashed.reject(new Error('The test is over.'))
    await expect(keeping).rejects.toThrow('The test is over.')
  })

  it('are not written down when they could not serve', async () => {
    const { rows, begin } = withTable()
    const gateways = await begin({ volumeOf: async () => Promise.reject(new Error('no disk')) })
    await gateways.serveKept()
    await expect(gateways.keep('webdav', { port: 0 })).rejects.toThrow('no disk')
    expect(rows.size).toBe(0)
  })

  it('begin side by side', async () => {
    const { opening, begin } = withTable({ rows: new Map(['1', '2', '3'].map((id) => [id, aRow(id)])) })
    const gateways = await begin()
    const serving = gateways.serveKept()
    await settle()
    expect(opening).toHaveLength(3)
    for (const { resolve } of opening) resolve(memoryVolume())
    await serving
    expect(await gateways.list()).toHaveLength(3)
  })

  it('are tried again after growing pauses where they cannot be served', async () => {
    const { clock, begin } = withTable({ rows: new Map([['1', aRow('1')]]) })
    const triedAtMs: number[] = []
    let isBroken = true
    const gateways = await begin({
      volumeOf: async () => {
        triedAtMs.push(clock.monotonic())
        if (isBroken) throw new Error('no disk')
        return memoryVolume()
      },
    })
    await gateways.serveKept()
    expect(await gateways.list()).toMatchObject([{ id: '1', problem: 'no disk' }])
    await clock.advance(20_000)
    expect(triedAtMs).toEqual([0, 1000, 3000, 7000, 15_000])
    await clock.advance(24 * 60 * 60_000)
    const longest = Math.max(...triedAtMs.map((at, nth) => at - (triedAtMs[nth - 1] ?? 0)))
    expect(longest).toBe(5 * 60_000)

    isBroken = false
    clock.pass(5 * 60_000)
    await expect.poll(async () => (await gateways.list()).map(({ problem }) => problem)).toEqual([undefined])
    expect(clock.isAwaited).toBe(false)
  })

  it('are not tried again once they were stopped', async () => {
    const { clock, rows, opening, begin } = withTable({ rows: new Map([['1', aRow('1')]]) })
    const gateways = await begin()
    const serving = gateways.serveKept()
    await settle()
    opening[0]?.reject(new Error('no disk'))
    await serving
    await clock.advance(1000)
    expect(opening).toHaveLength(2)
    const stopping = gateways.stop('1')
    opening[1]?.resolve(memoryVolume())
    await stopping
    expect(await gateways.list()).toEqual([])
    expect(rows.size).toBe(0)
    expect(clock.isAwaited).toBe(false)
  })
})

import { chmod, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDevice } from '../../src/open-device.ts'

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

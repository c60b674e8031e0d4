import { type Device, GATEWAY_PROTOCOLS, type GatewayInfo, type ServeOptions } from '@dittofs/interface'
import { beforeEach, describe, expect, test } from 'vitest'
import { fileOf, readAll } from './device-samples.ts'

/** Spaces, who is let into them, and who serves them. */
export function deviceSpaceTests(current: () => Device): void {
  let device: Device
  beforeEach(() => {
    device = current()
  })

  describe('spaces', () => {
    test('are apart from each other', async () => {
      const created = await device.createSpace('photos', { chunker: 'fixed' })
      expect(created).toMatchObject({ name: 'photos', chunker: 'fixed', role: 'full', members: 1, files: 0 })
      await device.add([await fileOf('a', Buffer.from('in photos'))], { space: 'photos' })
      await device.add([await fileOf('a', Buffer.from('in home'))])
      expect(await readAll(device, 'a', { space: created.id })).toEqual(Buffer.from('in photos'))
      expect(await readAll(device, 'a')).toEqual(Buffer.from('in home'))
      expect((await device.spaces()).map((space) => space.name).sort()).toEqual(['home', 'photos'])
      await expect(device.createSpace('photos')).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      await expect(device.createSpace('')).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    })

    test('can be made of what another one shows', async () => {
      await device.add([await fileOf('a', Buffer.from('of home'))])
      const { space, skipped } = await device.adoptSpace('home', { as: 'again' })
      expect([space.name, space.files, skipped]).toEqual(['again', 1, []])
      await device.remove('a', { space: 'home' })
      expect(await readAll(device, 'a', { space: space.id })).toEqual(Buffer.from('of home'))
      await expect(device.adoptSpace('home', { as: 'again' })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      await expect(device.adoptSpace('none')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    })
  })

  describe('invitations', () => {
    test('are made, listed and revoked', async () => {
      const before = Date.now()
      const invitation = await device.invite({ role: 'read', expiresInMs: 60 * 60_000 })
      expect(invitation.ticket).toMatch(/^DITTO1[A-Z2-7]+$/)
      expect(invitation).toMatchObject({ role: 'read', space: { name: 'home' } })
      // Tickets count minutes.
      expect(Math.abs(invitation.expiresAt - before - 60 * 60_000)).toBeLessThanOrEqual(120_000)
      const { ticket: _secret, ...open } = invitation
      expect(await device.invitations()).toEqual([{ ...open, state: 'open', waiting: [] }])
      await device.revokeInvitation(invitation.id)
      expect(await device.invitations()).toMatchObject([{ id: invitation.id, state: 'revoked' }])
      await expect(device.revokeInvitation('00'.repeat(16))).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      await expect(device.invite({ expiresInMs: 31 * 86_400_000 })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
      await expect(device.invite({ space: 'none' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    })

    test('may ask for a confirmation, which is nothing to give while nobody waits', async () => {
      const { id, hasConfirmation } = await device.invite({ confirm: true })
      expect(hasConfirmation).toBe(true)
      expect(await device.invitations()).toMatchObject([{ id, hasConfirmation: true, waiting: [] }])
      await expect(device.confirmInvitation(id, '123456')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    })

    test('a device that is nobody cannot be removed', async () => {
      await expect(device.removeDevice('NOBODY7-NOBODY7')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    })
  })

  describe('gateways', () => {
    test('serve a space, are listed, and end when the iteration is left', async () => {
      await device.add([await fileOf('a', Buffer.from('some words'))])
      expect(await device.gateways.list()).toEqual([])
      for (const protocol of GATEWAY_PROTOCOLS) {
        for await (const [info] of device.gateways.serve(protocol, { port: 0, isReadOnly: true })) {
          const space = { name: 'home' }
          const wanted = { protocol, host: '127.0.0.1', isReadOnly: true, isKept: false, connections: 0, space }
          expect(info).toMatchObject(wanted)
          expect(info?.port).toBeGreaterThan(0)
          expect(await device.gateways.list()).toEqual([info])
          if (protocol === 'webdav') expect(await (await fetch(`${info?.url}a`)).text()).toBe('some words')
          break
        }
        await expect.poll(() => device.gateways.list()).toEqual([])
      }
    })

    test('end the iteration of the one that is stopped, and no other', async () => {
      const serving = [0, 0].map((port) => device.gateways.serve('webdav', { port })[Symbol.asyncIterator]())
      const infos: GatewayInfo[] = []
      for (const one of serving) infos.push(...((await one.next()).value as GatewayInfo[]))
      const [first, second] = infos as [GatewayInfo, GatewayInfo]
      const ended = serving[0]?.next()
      await device.gateways.stop(first.id)
      expect((await ended)?.done).toBe(true)
      expect(await device.gateways.list()).toEqual([second])
      await expect(fetch(first.url)).rejects.toThrow()
      expect((await fetch(second.url)).status).toBe(200)
      await serving[1]?.return?.()
    })

    test('are refused where there is nothing to serve or to stop, or the port is taken', async () => {
      const begin = (options: ServeOptions) => device.gateways.serve('nfs', options)[Symbol.asyncIterator]().next()
      await expect(begin({ port: 0, space: 'none' })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      await expect(device.gateways.stop('00000000')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
      for await (const [info] of device.gateways.serve('webdav', { port: 0 })) {
        await expect(begin({ port: info?.port ?? 0 })).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
        break
      }
    })
  })
}

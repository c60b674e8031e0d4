import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Device } from '@dittofs/interface'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deviceContentTests } from './device-content-tests.ts'
import { fileOf, listAll, readAll } from './device-samples.ts'
import { deviceSpaceTests } from './device-space-tests.ts'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface DeviceSuiteInit {
  /** A device with a new home, alone and without links. */
  setup: () => Promise<Device>
  /** Closes it and removes what it left. */
  teardown: (device: Device) => Promise<void>
}

/** Holds an implementation of `Device` to what one device alone can do. */
export function deviceSuite(name: string, init: DeviceSuiteInit): void {
  describe(`${name}, as a device`, () => {
    let device: Device

    beforeEach(async () => {
      device = await init.setup()
    })
    afterEach(async () => {
      await init.teardown(device)
    })

    describe('a new device', () => {
      test('has an ID, a name and one empty space, whose only member it is', async () => {
        const status = await device.status()
        expect(status.device.id).toBe(device.id)
        expect(status.device.name).not.toBe('')
        expect(status.version).toMatch(/^\d+\.\d+\.\d+/)
        expect(path.isAbsolute(status.home)).toBe(true)
        expect(status.peers).toEqual([])
        expect(status.chunks).toMatchObject({ count: 0, bytes: 0, dedupRatio: 1 })
        expect(status.spaces).toEqual(await device.spaces())
        const empty = { files: 0, directories: 0, symlinks: 0, bytes: 0, missingChunks: 0, missingBytes: 0 }
        expect(status.spaces).toMatchObject([
          { name: 'home', role: 'full', members: 1, conflicts: 0, clashes: [], ...empty },
        ])
        expect(await device.devices()).toMatchObject([
          {
            id: device.id,
            name: status.device.name,
            isSelf: true,
            links: [],
            spaces: [{ name: 'home', role: 'full' }],
          },
        ])
      })

      test('says of every link whether it is up, and why not', async () => {
        for (const { isUp, reason, name: link } of (await device.status()).links) {
          expect(isUp || (reason ?? '') !== '', `${link} has a reason`).toBe(true)
        }
      })

      test('shows nothing, and may be verified, collected and waited for', async () => {
        expect(await listAll(device)).toEqual([])
        expect(await device.verify()).toEqual({ chunks: 0, bytes: 0, damaged: [], repaired: 0 })
        expect(await device.collect()).toEqual({ chunks: 0, bytes: 0 })
        expect(await device.waitUntilSynced()).toBeUndefined()
      })

      test('takes another name', async () => {
        await device.renameDevice('Kitchen 🍳')
        expect((await device.status()).device.name).toBe('Kitchen 🍳')
        expect((await device.devices()).map((one) => one.name)).toEqual(['Kitchen 🍳'])
      })
    })

    describe('onChange', () => {
      test('tells of changes until it is unsubscribed', async () => {
        let resolve = () => {}
        const told = new Promise<void>((done) => {
          resolve = done
        })
        let isChanged = false
        const stop = device.onChange(() => {
          if (isChanged) resolve()
        })
        const source = await fileOf('a', Buffer.from('a'))
        isChanged = true
        await device.add([source])
        await told
        stop()
        stop()
        expect(await listAll(device)).toHaveLength(1)
      })
    })

    describe('abort', () => {
      test('rejects with the reason of a signal that is aborted already', async () => {
        const signal = AbortSignal.abort(new Error('not wanted'))
        const source = await fileOf('a', Buffer.from('a'))
        await expect(device.add([source], { signal })).rejects.toThrow('not wanted')
        await expect(device.get('a', { signal, directory: '/' })).rejects.toThrow('not wanted')
        await expect(device.verify({ signal })).rejects.toThrow('not wanted')
        await expect(device.collect({ signal })).rejects.toThrow('not wanted')
        await expect(device.status({ signal })).rejects.toThrow('not wanted')
        await expect(listAll(device, '', { signal })).rejects.toThrow('not wanted')
        await expect(readAll(device, 'a', { signal })).rejects.toThrow('not wanted')
        expect(await listAll(device)).toEqual([])
      })

      test('stops an add under way, after which it can be done again', async () => {
        const source = await temporaryDirectory()
        for (let i = 0; i < 200; i++) await writeFile(path.join(source, `${i}`), pseudoRandomBytes(i, 20_000))
        const controller = new AbortController()
        const adding = device.add([source], {
          as: 'many',
          signal: controller.signal,
          onProgress: ({ phase }) => {
            if (phase === 'add') controller.abort(new Error('not wanted'))
          },
        })
        await expect(adding).rejects.toThrow('not wanted')
        expect(await device.add([source], { as: 'many' })).toMatchObject({ files: 200, skipped: [] })
        expect(await device.verify()).toMatchObject({ damaged: [] })
      })
    })

    describe('close', () => {
      test('may be called twice, and refuses every call afterwards', async () => {
        await Promise.all([device.close(), device.close()])
        await device.close()
        const closed = { code: 'DITTO_CLOSED' }
        await expect(device.status()).rejects.toMatchObject(closed)
        await expect(device.spaces()).rejects.toMatchObject(closed)
        await expect(device.add(['/a'])).rejects.toMatchObject(closed)
        await expect(device.get('a', { directory: '/' })).rejects.toMatchObject(closed)
        await expect(device.move('a', 'b')).rejects.toMatchObject(closed)
        await expect(device.invite()).rejects.toMatchObject(closed)
        await expect(device.gateways.list()).rejects.toMatchObject(closed)
        await expect(listAll(device)).rejects.toMatchObject(closed)
        await expect(readAll(device, 'a')).rejects.toMatchObject(closed)
      })
    })

    deviceContentTests(() => device)
    deviceSpaceTests(() => device)
  })
}

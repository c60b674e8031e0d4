import type { DeviceKey, MetadataStore } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'
import { exchangeMetadata, metadataFile, PEER } from './metadata-samples.ts'

/** The part of the suite of metadata stores about single logs. `open` gives a new, open store for a device. */
export function describeLogs(open: (device: string) => Promise<MetadataStore>): void {
  describe('logs', () => {
    const ownLogs = async (store: MetadataStore) => {
      const updates: Uint8Array[] = []
      for (const { log } of (await store.logDigests()).logs) {
        for (let from = 0, end = 1; from < end; ) {
          const part = store.ownLogPart(log, from)
          if (part.update.length > 0) updates.push(part.update)
          from = part.to
          end = part.end
        }
      }
      return updates
    }

    test('have equal digests, and one owner, on devices that hold the same', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([{ type: 'write', path: 'f', file: metadataFile(1) }])
      expect((await bob.logDigests()).logs).toEqual([])
      const before = await alice.logDigests()
      await bob.transact([{ type: 'write', path: 'g', file: metadataFile(2) }])
      await exchangeMetadata(alice, bob)
      const [hers, his] = [await alice.logDigests(), await bob.logDigests()]
      expect(his).toEqual(hers)
      expect(hers.stateHash).not.toEqual(before.stateHash)
      expect(hers.logs.map(({ log }) => log)).toEqual(hers.logs.map(({ log }) => log).sort((a, b) => a - b))
      expect(new Set(hers.logs.map(({ owner }) => owner)).size).toBe(2)
      expect(hers.logs).toContainEqual(before.logs[0])
    })

    test('are given by their owner, in parts that fit in a frame, and change nothing where they are the same', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact(
        Array.from({ length: 5000 }, (_, at) => ({ type: 'write', path: `f${at}`, file: metadataFile(1) }) as const),
      )
      const [log] = (await alice.logDigests()).logs
      await exchangeMetadata(alice, bob)
      const updates = await ownLogs(alice)
      expect(updates.length).toBeGreaterThan(1)
      expect(Math.max(...updates.map(({ length }) => length))).toBeLessThanOrEqual(900_000)
      expect(await ownLogs(bob)).toEqual([])
      const digest = bob.digest()
      const replaced = await bob.replaceLogs(updates, log?.owner as DeviceKey)
      expect(replaced).toEqual({ hasChanged: false, droppedEntries: 0, lostPaths: [] })
      expect(bob.digest()).toEqual(digest)
    })

    test('are never replaced by a device that does not own them, and a device’s own by nobody', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')]
      await alice.transact([{ type: 'write', path: 'f', file: metadataFile(1) }])
      await exchangeMetadata(alice, bob)
      const updates = await ownLogs(alice)
      const [log] = (await alice.logDigests()).logs
      const invalid = { code: 'DITTO_UPDATE_INVALID' }
      await expect(bob.replaceLogs(updates, PEER)).rejects.toMatchObject(invalid)
      await expect(alice.replaceLogs(updates, log?.owner as DeviceKey)).rejects.toMatchObject(invalid)
      await expect(bob.replaceLogs([new Uint8Array(3)], log?.owner as DeviceKey)).rejects.toMatchObject(invalid)
    })
  })
}

import type { NodeId, TreeEntry, VersionId } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HeldChunks } from '../../src/content/held-chunks.ts'
import { KeptContent } from '../../src/pins/kept-content.ts'
import type { MarkTable } from '../../src/pins/mark-table.ts'
import type { ReleasedVersions } from '../../src/pins/released-versions.ts'
import { SharedGate } from '../../src/shared-gate.ts'
import type { OpenSpace } from '../../src/spaces/open-space.ts'

const FILE = 'fOne' as NodeId
const DIRECTORY = 'dOne' as NodeId
const VERSION = 'a:1' as VersionId

/** The tables in memory; their writes take as long as a turn. */
function memoryTables() {
  const marked = new Map<NodeId, { mark: 'evicted'; at: number }>()
  const rows = new Map<NodeId, readonly VersionId[]>()
  const marks = {
    all: () => marked,
    put: async (_: number, nodes: readonly NodeId[]) => {
      for (const node of nodes) marked.set(node, { mark: 'evicted', at: 0 })
    },
    delete: async (_: number, nodes: readonly NodeId[]) => {
      for (const node of nodes) marked.delete(node)
    },
  } as unknown as MarkTable
  const released = {
    getMany: async (_: number, nodes: readonly NodeId[]) => nodes.map((node) => rows.get(node) ?? []),
    put: async (_: number, versions: readonly (readonly [NodeId, readonly VersionId[]])[]) => {
      for (const [node, ids] of versions) rows.set(node, ids)
    },
    delete: async (_: number, nodes: readonly NodeId[]) => {
      for (const node of nodes) rows.delete(node)
    },
  } as unknown as ReleasedVersions
  return { marks, released }
}

/** A device that shows one file, in one directory or beside it, and holds it until it drops it. */
function makeDevice(init: { isInside: () => boolean }) {
  const { marks, released } = memoryTables()
  const gate = new SharedGate()
  const state = { holds: true }
  const file = { size: 1, mtimeNs: 0n, mode: 0o644, content: { kind: 'inline', chunks: [] } } as const
  const entry = (): TreeEntry => {
    const path = init.isInside() ? 'd/f' : 'f'
    return { path, name: 'f', node: FILE, kind: 'file', version: VERSION, file }
  }
  const directories: Record<string, TreeEntry> = {
    '': { path: '', name: '', node: 'd' as NodeId, kind: 'directory' },
    d: { path: 'd', name: 'd', node: DIRECTORY, kind: 'directory' },
  }
  const metadata = { find: () => entry(), lookup: (path: string) => directories[path] ?? entry() }
  const space = { number: 1, metadata } as unknown as OpenSpace
  const held = {
    missingOf: async (_: unknown, files: readonly unknown[]) =>
      files.map(() => ({ chunks: state.holds ? 0 : 1, bytes: 0 })),
  } as unknown as HeldChunks
  const kept = new KeptContent({
    ...{ marks, held, gate, released },
    foldersOf: () => new Set(),
  })
  return {
    state,
    mark: () => marks.put(1, [DIRECTORY], 'evicted', 0),
    unmark: () => marks.delete(1, [DIRECTORY]),
    promise: async () => (await kept.promise(space, [{ node: FILE, version: VERSION }]))[0] === true,
    release: async (ask: () => Promise<boolean>) =>
      (await kept.release(space, [entry()], async () => [await ask()]))[0] === true,
    collect: () =>
      gate.alone(async () => {
        const keep = await kept.keeping(space)([{ node: FILE, version: VERSION, ...file }])
        if (keep.length === 0) state.holds = false
      }),
  }
}

describe('KeptContent', () => {
  it('answers no for what is evicted, and yes for what is kept and held', async () => {
    const device = makeDevice({ isInside: () => true })
    expect(await device.promise()).toBe(true)
    await device.mark()
    expect(await device.promise()).toBe(false)
    await device.unmark()
    device.state.holds = false
    expect(await device.promise()).toBe(false)
  })

  it('takes a release back before it promises', async () => {
    let isInside = true
    const device = makeDevice({ isInside: () => isInside })
    await device.mark()
    expect(await device.release(async () => true)).toBe(true)
    isInside = false
    expect(await device.promise()).toBe(true)
    isInside = true
    await device.collect()
    expect(device.state.holds).toBe(true)
  })

  it('releases nothing that it promised to keep while it asked', async () => {
    let isInside = true
    const device = makeDevice({ isInside: () => isInside })
    await device.mark()
    const isReleased = await device.release(async () => {
      isInside = false
      expect(await device.promise()).toBe(true)
      isInside = true
      return true
    })
    expect(isReleased).toBe(false)
  })

  it('lets devices that evict, unpin and move in any order never drop all copies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.tuple(fc.nat({ max: 2 }), fc.constantFrom('evict', 'unmark', 'collect', 'move' as const)), {
          minLength: 4,
          maxLength: 16,
        }),
        async (scheduler, commands) => {
          let isInside = true
          const devices = [0, 1, 2].map(() => makeDevice({ isInside: () => isInside }))
          const evict = async (nth: number) => {
            const device = devices[nth] as (typeof devices)[number]
            await device.mark()
            await scheduler.schedule(Promise.resolve(), `marked ${nth}`)
            await device.release(async () => {
              const answers = devices.map(async (other, of) => {
                if (other === device) return false
                await scheduler.schedule(Promise.resolve(), `${nth} asks ${of}`)
                const answer = await other.promise()
                await scheduler.schedule(Promise.resolve(), `${of} answers ${nth}`)
                return answer
              })
              return (await Promise.all(answers)).includes(true)
            })
            await device.collect()
          }
          const running = commands.map(async ([nth, command]) => {
            await scheduler.schedule(Promise.resolve(), `${command} ${nth}`)
            const device = devices[nth] as (typeof devices)[number]
            if (command === 'evict') await evict(nth)
            else if (command === 'unmark') await device.unmark()
            else if (command === 'collect') await device.collect()
            else isInside = !isInside
          })
          await scheduler.waitFor(Promise.all(running))
          expect(devices.some(({ state }) => state.holds)).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })
})

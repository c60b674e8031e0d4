import type { SpaceId, TreeEntry } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import type { FetchChoice, FileVersionRef } from '../src/index.ts'
import { connect, HOME, TestDevice, WORK } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol']

function shown(device: TestDevice, path: string): FileVersionRef {
  const { node, version } = device.tree().lookup(path) as TreeEntry & { version: FileVersionRef['version'] }
  return { node, version }
}

describe('askKept', () => {
  it('gives for each version whether one of the connected devices says that it keeps it', async () => {
    const keeps = (path: string) => async (_: SpaceId, versions: readonly FileVersionRef[]) => {
      const { node } = shown(alice, path)
      return versions.map((one) => one.node === node)
    }
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES, { answerKept: (...asked) => keeps('a')(...asked) })
    const carol = await TestDevice.open('carol', NAMES, { answerKept: (...asked) => keeps('b')(...asked) })
    await alice.write({ a: Buffer.from('a'), b: Buffer.from('b'), c: Buffer.from('c') })
    const versions = ['a', 'b', 'c'].map((path) => shown(alice, path))
    expect(await alice.engine.askKept(HOME, versions)).toBeUndefined()
    connect(alice, bob)
    await alice.upToDate()
    expect(await alice.engine.askKept(HOME, versions)).toEqual([true, false, false])
    connect(alice, carol)
    await alice.upToDate()
    expect(await alice.engine.askKept(HOME, versions)).toEqual([true, true, false])
  })

  it('takes no answer, a failing one and an end of the session for no', async () => {
    let ask = (): Promise<readonly boolean[]> => Promise.reject(new Error('the disk fails'))
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES, { answerKept: () => ask() })
    const silent = await TestDevice.open('carol', NAMES)
    await alice.write({ a: Buffer.from('a') })
    const versions = [shown(alice, 'a')]
    connect(alice, silent)
    const [session] = connect(alice, bob)
    await alice.upToDate()
    expect(await alice.engine.askKept(HOME, versions)).toEqual([false])
    ask = () => {
      void session.end()
      return new Promise(() => undefined)
    }
    expect(await alice.engine.askKept(HOME, versions)).toEqual([false])
  })

  it('is answered only in a space that both are members of', async () => {
    const bob = await TestDevice.open('bob', NAMES, { spaces: [HOME, WORK], answerKept: async () => [true] })
    const alice = await TestDevice.open('alice', NAMES)
    await alice.write({ a: Buffer.from('a') })
    connect(alice, bob)
    await alice.upToDate()
    expect(await alice.engine.askKept(WORK, [shown(alice, 'a')])).toBeUndefined()
    expect(await alice.engine.askKept(HOME, [shown(alice, 'a')])).toEqual([true])
  })
})

describe('choices', () => {
  const choose = (choices: Readonly<Record<string, FetchChoice>>) => ({
    hasPinned: () => Object.values(choices).includes('fetch'),
    begin: () => (entry: TreeEntry) => choices[entry.path],
  })

  it('leave alone what a person does not want here, and what is left is not missing', async () => {
    const choices: Record<string, FetchChoice> = { left: 'leave' }
    const alice = await TestDevice.open('alice', NAMES, { choices: choose(choices) })
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ left: pseudoRandomBytes(3, 3_000_000), taken: Buffer.from('taken') })
    connect(alice, bob)
    await alice.upToDate()
    expect(alice.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0, isSettled: true })
    expect((await alice.files()).taken).toBe((await bob.files()).taken)
    expect((await alice.files()).left).not.toBe((await bob.files()).left)
    delete choices.left
    alice.engine.choicesChanged(HOME)
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
  })

  it('bring what a person pinned where nothing else is fetched', async () => {
    const choices: Record<string, FetchChoice> = { pinned: 'fetch', left: 'leave' }
    const alice = await TestDevice.open('alice', NAMES, { policy: 'on-demand', choices: choose(choices) })
    const bob = await TestDevice.open('bob', NAMES)
    const large = pseudoRandomBytes(4, 3_000_000)
    await bob.write({ pinned: large, left: Buffer.from('left'), other: Buffer.from('other') })
    connect(alice, bob)
    await alice.upToDate()
    expect((await alice.files()).pinned).toBe((await bob.files()).pinned)
    expect(alice.engine.spaceState(HOME)).toMatchObject({ missingChunks: 1, missingBytes: 5, isSettled: true })
  })
})

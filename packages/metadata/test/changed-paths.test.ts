import type { MetadataStore } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { fileOf, openStore, testDevice, treeOf } from './memory-space.ts'

const directory = { mode: 0o755, mtimeNs: 1n }

/** What `from` has goes to `to`, and nothing back. */
async function tell(from: MetadataStore, to: MetadataStore): Promise<void> {
  const { key: anyone } = testDevice('anyone')
  for (const message of await from.receive(to.hello(), anyone, true)) await to.receive(message, anyone, true)
}

/** Bob, who has not heard of alice's directory `d`, makes `d/f` in his own one, and alice hears of it. */
async function pathsToldOf(here: string): Promise<{ readonly paths: unknown; readonly tree: readonly string[] }> {
  const [alice, bob] = [await openStore('alice'), await openStore('bob')]
  const content = (text: string) => ({ type: 'write' as const, file: fileOf(text) })
  await alice.transact([
    { type: 'mkdir', path: 'd', directory },
    { ...content('of alice'), path: `d/${here}` },
  ])
  await bob.transact([{ type: 'mkdir', path: 'd', directory }])
  await tell(bob, alice)
  expect(alice.lookup('d')?.nodes).toHaveLength(2)
  await bob.transact([{ ...content('of bob'), path: 'd/f' }])
  const changes: unknown[] = []
  alice.onChange(({ paths }) => changes.push(paths))
  await tell(bob, alice)
  expect(changes).toHaveLength(1)
  return { paths: changes[0], tree: (await treeOf(alice)).map((line) => line.split(' ')[0] as string) }
}

describe('the paths a change tells', () => {
  it('name the directory where another one that shows as one with it holds that name: one is a conflict copy', async () => {
    const { paths, tree } = await pathsToldOf('f')
    expect(tree).toEqual(['d/', 'd/f', 'd/f'])
    expect(paths).toEqual(['d/f', 'd'])
  })

  it('are the file alone where no other directory of that name holds one', async () => {
    const { paths, tree } = await pathsToldOf('g')
    expect(tree).toEqual(['d/', 'd/f', 'd/g'])
    expect(paths).toEqual(['d/f'])
  })
})

import { type Action, DittoError, type TreeEntry } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { GroupedChanges } from '../src/grouped-changes.ts'

/** Applies actions of which only the paths count, one transaction at a time, each when it is let go. */
class PathMetadata {
  readonly transactions: string[][] = []
  readonly #held: (() => void)[] = []
  #last: Promise<unknown> = Promise.resolve()

  transact(plan: readonly Action[] | (() => unknown)): Promise<(TreeEntry | undefined)[]> {
    const result = this.#last.then(async () => {
      const actions = (plan as () => readonly (Action & { path: string })[])()
      const paths = actions.map(({ path }) => path)
      await new Promise<void>((resolve) => this.#held.push(resolve))
      if (paths.includes('refused')) throw new DittoError('DITTO_EXISTS', 'refused')
      this.transactions.push(paths)
      return paths.map((path) => ({ path }) as TreeEntry)
    })
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Lets transactions go until all of `changes` are made or refused. */
  async finish(changes: readonly Promise<unknown>[]): Promise<PromiseSettledResult<unknown>[]> {
    let isOver = false
    const settled = Promise.allSettled(changes).finally(() => {
      isOver = true
    })
    while (!isOver) {
      this.#held.shift()?.()
      await new Promise(setImmediate)
    }
    return settled
  }
}

const remove = (path: string): Action => ({ type: 'remove', path })
const of = (path: string, touches: readonly string[] | undefined = [path]) => ({
  touches: () => touches,
  plan: () => [remove(path)],
})

describe('changes that are asked for at once', () => {
  it('share a transaction with what came while the one before was under way', async () => {
    const metadata = new PathMetadata()
    const changes = new GroupedChanges(metadata)
    const first = changes.change(of('a'))
    await new Promise(setImmediate)
    const others = ['b', 'c', 'd'].map((path) => changes.change(of(path)))
    expect(await metadata.finish([first, ...others])).toMatchObject(
      ['a', 'b', 'c', 'd'].map((path) => ({ value: [{ path }] })),
    )
    expect(metadata.transactions).toEqual([['a'], ['b', 'c', 'd']])
  })

  it('keep their order: one that meets a name of another comes in a later transaction, and none overtakes it', async () => {
    const metadata = new PathMetadata()
    const changes = new GroupedChanges(metadata)
    const made = [of('a'), of('b'), of('a again', ['a']), of('c')].map((one) => changes.change(one))
    await metadata.finish(made)
    expect(metadata.transactions).toEqual([
      ['a', 'b'],
      ['a again', 'c'],
    ])
  })

  it('stand alone where they look at more than names', async () => {
    const metadata = new PathMetadata()
    const changes = new GroupedChanges(metadata)
    const whole = { touches: () => undefined, plan: () => [remove('tree')] }
    await metadata.finish([changes.change(of('a')), changes.change(whole), changes.change(of('b'))])
    expect(metadata.transactions).toEqual([['a'], ['tree'], ['b']])
  })

  it('fail alone, whether they cannot be planned or are refused', async () => {
    const metadata = new PathMetadata()
    const changes = new GroupedChanges(metadata)
    const unplanned = {
      touches: () => ['x'],
      plan: () => {
        throw new DittoError('DITTO_NOT_FOUND', 'gone')
      },
    }
    const made = [
      changes.change(of('a')),
      changes.change(unplanned),
      changes.change(of('refused')),
      changes.change(of('b')),
    ]
    expect(await metadata.finish(made)).toMatchObject([
      { value: [{ path: 'a' }] },
      { reason: { code: 'DITTO_NOT_FOUND' } },
      { reason: { code: 'DITTO_EXISTS' } },
      { value: [{ path: 'b' }] },
    ])
    expect(metadata.transactions).toEqual([['a'], ['b']])
  })

  it('that make nothing are answered all the same', async () => {
    const metadata = new PathMetadata()
    const changes = new GroupedChanges(metadata)
    const made = changes.change({ touches: () => ['a'], plan: () => [] })
    expect(await metadata.finish([made])).toMatchObject([{ value: [] }])
  })
})

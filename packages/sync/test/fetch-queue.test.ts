import { type ChunkId, MAX_IDS_PER_REQUEST } from '@dittofs/interface'
import { MAX_RANGES_PER_REQUEST } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChunkOutcome, type ChunkWaiter, FetchQueue } from '../src/fetch-queue.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as ChunkId
const refs = (...numbers: number[]) => numbers.map((n) => ({ id: id(n), length: 100 }))
const content = { kind: 'manifest', root: id(0), depth: 1, chunkCount: 10_000 } as const

function waiter(isUrgent = false): ChunkWaiter & { readonly outcomes: [ChunkId, ChunkOutcome][] } {
  const outcomes: [ChunkId, ChunkOutcome][] = []
  return { isUrgent, isPatient: false, outcomes, settled: (chunk, outcome) => outcomes.push([chunk.id, outcome]) }
}

const [alice, bob] = [{}, {}]

describe('FetchQueue', () => {
  it('asks for a chunk once, and tells everyone who waits for it once', () => {
    const queue = new FetchQueue()
    const [first, second] = [waiter(), waiter()]
    queue.want(refs(1, 1, 2), first)
    queue.want(refs(2, 3), second)
    const batch = queue.take(alice, 10_000)
    expect(batch?.chunks.map((chunk) => chunk.id)).toEqual([id(1), id(2), id(3)])
    expect(queue.take(alice, 10_000)).toBeUndefined()
    for (const chunk of batch?.chunks ?? []) queue.settle(chunk, 'stored')
    expect(first.outcomes).toEqual([
      [id(1), 'stored'],
      [id(2), 'stored'],
    ])
    expect(second.outcomes).toEqual([
      [id(2), 'stored'],
      [id(3), 'stored'],
    ])
    expect(queue).toMatchObject({ size: 0, bytes: 0, queued: 0, queuedBytes: 0 })
  })

  it('lets urgent chunks go first, also those that stand further back already', () => {
    const queue = new FetchQueue()
    queue.want(refs(1, 2, 3, 4), waiter())
    queue.want(refs(4, 5), waiter(true))
    expect(queue.take(alice, 200)?.chunks.map((chunk) => chunk.id)).toEqual([id(4), id(5)])
    expect(queue.take(alice, 1000)?.chunks.map((chunk) => chunk.id)).toEqual([id(1), id(2), id(3)])
  })

  it('gives at least one chunk, about the bytes asked for, and no more than a request may name', () => {
    const queue = new FetchQueue()
    queue.want(refs(...Array.from({ length: 5000 }, (_, n) => n)), waiter())
    expect(queue.take(alice, 1)?.chunks).toHaveLength(1)
    expect(queue.take(alice, 250)?.chunks).toHaveLength(2)
    expect(queue.take(alice, 1e9)?.chunks).toHaveLength(MAX_IDS_PER_REQUEST)
  })

  it('names runs of a manifest by their places, and as many as a request may hold', () => {
    const queue = new FetchQueue()
    queue.want(refs(1, 2, 3, 4), waiter(), { content, size: 1e6, indexes: [7, 8, 20, 21] })
    queue.want(refs(5), waiter())
    const batch = queue.take(alice, 1e9)
    expect(batch?.manifest).toEqual({
      content,
      size: 1e6,
      ranges: [
        { first: 7, count: 2 },
        { first: 20, count: 2 },
      ],
    })
    expect(queue.take(alice, 1e9)?.manifest).toBeUndefined()
    const gaps = Array.from({ length: 600 }, (_, n) => n + 10)
    queue.want(refs(...gaps), waiter(), { content, size: 1e6, indexes: gaps.map((n) => 2 * n) })
    expect(queue.take(alice, 1e9)?.manifest?.ranges).toHaveLength(MAX_RANGES_PER_REQUEST)
  })

  it('does not ask a peer again for what it does not have, and gives up when nobody has it', () => {
    const queue = new FetchQueue()
    const one = waiter()
    queue.want(refs(1), one)
    const asked = queue.take(alice, 1000)?.chunks ?? []
    for (const chunk of asked) chunk.absentAt = new Set([alice])
    queue.requeue(asked)
    expect(queue.take(alice, 1000)).toBeUndefined()
    queue.settleUnavailable([alice, bob])
    expect(one.outcomes).toEqual([])
    expect(queue.take(bob, 1000)?.chunks).toHaveLength(1)
    for (const chunk of asked) chunk.absentAt?.add(bob)
    queue.requeue(asked)
    queue.settleUnavailable([alice, bob])
    expect(one.outcomes).toEqual([[id(1), 'absent']])
  })

  it('takes a late answer for a chunk that was queued again, and drops the second', () => {
    const queue = new FetchQueue()
    queue.want(refs(1), waiter())
    const [chunk] = queue.take(alice, 1000)?.chunks ?? []
    if (chunk === undefined) throw new TypeError('one was wanted')
    queue.requeue([chunk])
    expect(queue.arrive(chunk)).toBe(true)
    expect(queue.arrive(chunk)).toBe(false)
    expect(queue.take(bob, 1000)).toBeUndefined()
    expect(queue.queued).toBe(0)
  })

  it('gives small files before large ones where they cost something, and otherwise in order', () => {
    const isSmallFirst = { takesFresh: () => true, takesAgain: () => true, isSmallFirst: true }
    for (const [share, expected] of [
      [undefined, [1, 2]],
      [isSmallFirst, [2, 1]],
    ] as const) {
      const queue = new FetchQueue()
      queue.want(refs(1), waiter(), undefined, 'large')
      queue.want(refs(2), waiter(), undefined, 'small')
      const taken = [queue.take({}, 1, share), queue.take({}, 1, share)]
      expect(taken.flatMap((batch) => batch?.chunks.map(({ id }) => id))).toEqual(
        expected.flatMap((n) => refs(n).map(({ id }) => id)),
      )
    }
  })

  it('keeps back what a peer may not be asked for, until somebody wants it more', () => {
    const queue = new FetchQueue()
    const onlySmall = { takesFresh: (need: string) => need !== 'large', takesAgain: () => false, isSmallFirst: true }
    queue.want(refs(1), waiter(), undefined, 'large')
    expect(queue.take({}, 1e6, onlySmall)).toBeUndefined()
    queue.want(refs(1), waiter(), undefined, 'small')
    expect(queue.take({}, 1e6, onlySmall)?.chunks).toHaveLength(1)
    expect(queue.take({}, 1e6)).toBeUndefined()
  })

  it('keeps its counts whatever happens, and settles everything once', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({
              act: fc.constant('want' as const),
              ids: fc.array(fc.nat({ max: 30 }), { maxLength: 8 }),
              urgent: fc.boolean(),
            }),
            fc.record({
              act: fc.constantFrom(
                'take' as const,
                'store' as const,
                'requeue' as const,
                'absent' as const,
                'drop' as const,
              ),
              n: fc.nat({ max: 900 }),
            }),
          ),
          { maxLength: 60 },
        ),
        (steps) => {
          const queue = new FetchQueue()
          const told = new Map<ChunkId, number>()
          const asked: NonNullable<ReturnType<FetchQueue['take']>>['chunks'][number][] = []
          let waits = 0
          for (const step of steps) {
            if (step.act === 'want') {
              const seen = new Set(step.ids)
              waits += seen.size
              queue.want(refs(...step.ids), {
                isUrgent: step.urgent,
                isPatient: false,
                settled: (chunk) => told.set(chunk.id, (told.get(chunk.id) ?? 0) + 1),
              })
            } else if (step.act === 'take') asked.push(...(queue.take(alice, step.n)?.chunks ?? []))
            else if (step.act === 'drop') queue.settleQueued('absent', () => true)
            else {
              const chunk = asked.splice(step.n % Math.max(asked.length, 1), 1)[0]
              if (chunk === undefined) continue
              if (step.act === 'requeue') queue.requeue([chunk])
              else queue.settle(chunk, step.act === 'store' ? 'stored' : 'absent')
            }
            expect(queue.bytes).toBe(queue.size * 100)
            expect(queue.queuedBytes).toBe(queue.queued * 100)
            expect(queue.queued).toBeLessThanOrEqual(queue.size)
          }
          for (;;) {
            const batch = queue.take(bob, 1e9)
            if (batch === undefined) break
            asked.push(...batch.chunks)
          }
          for (const chunk of asked) queue.settle(chunk, 'stored')
          expect(queue).toMatchObject({ size: 0, bytes: 0, queued: 0, queuedBytes: 0 })
          expect([...told.values()].reduce((sum, n) => sum + n, 0)).toBe(waits)
        },
      ),
    )
  })
})

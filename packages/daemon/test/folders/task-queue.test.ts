import { describe, expect, it } from 'vitest'
import { TaskQueue } from '../../src/folders/task-queue.ts'

/** A task that ends when it is told to. */
function heldTask(name: string, log: string[]) {
  let end = (): void => undefined
  const held = new Promise<void>((resolve) => {
    end = resolve
  })
  const task = async (): Promise<void> => {
    log.push(`${name} begins`)
    await held
    log.push(`${name} ends`)
  }
  return { task, end: () => end() }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const unexpected = (error: unknown): never => {
  throw error
}

describe('the queue of tasks', () => {
  it('runs tasks of different keys side by side, so that what they write can be joined', async () => {
    const log: string[] = []
    const queue = new TaskQueue(unexpected)
    const [first, second] = [heldTask('first', log), heldTask('second', log)]
    queue.add('a', first.task)
    queue.add('b', second.task)
    await turn()
    expect(log).toEqual(['first begins', 'second begins'])
    second.end()
    first.end()
    await queue.settled()
    expect(log).toHaveLength(4)
  })

  it('runs tasks of one key one after the other, in the order they were added', async () => {
    const log: string[] = []
    const queue = new TaskQueue(unexpected)
    const [first, second] = [heldTask('first', log), heldTask('second', log)]
    queue.add('a', first.task)
    queue.add('a', second.task)
    second.end()
    await turn()
    expect(log).toEqual(['first begins'])
    first.end()
    await queue.settled()
    expect(log).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
  })

  it('runs a bounded number at once, begins all others in turn, and is settled when the last has ended', async () => {
    const queue = new TaskQueue(unexpected)
    const begun: number[] = []
    let [running, most] = [0, 0]
    for (let at = 0; at < 1000; at++) {
      queue.add(`key ${at}`, async () => {
        begun.push(at)
        running += 1
        most = Math.max(most, running)
        await turn()
        running -= 1
      })
    }
    await queue.settled()
    expect(begun).toEqual([...new Array(1000).keys()])
    expect(running).toBe(0)
    expect(most).toBe(64)
  })

  it('tells of a task that failed and goes on with the next of its key', async () => {
    const errors: unknown[] = []
    const queue = new TaskQueue((error) => errors.push(error))
    let isDone = false
    queue.add('a', () => Promise.reject(new Error('refused')))
    queue.add('a', async () => {
      isDone = true
    })
    await queue.settled()
    expect(errors).toEqual([new Error('refused')])
    expect(isDone).toBe(true)
  })

  it('is idle once no task is left, those added meanwhile included', async () => {
    const log: string[] = []
    const queue = new TaskQueue(unexpected)
    const [first, second] = [heldTask('first', log), heldTask('second', log)]
    queue.add('a', first.task)
    const idle = new Promise<void>((resolve) => queue.whenIdle(resolve))
    queue.add('b', second.task)
    first.end()
    await turn()
    second.end()
    await idle
    expect(log).toContain('second ends')
  })
})

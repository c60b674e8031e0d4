import { DittoError, type ListEntry, type Progress } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { SCRIPTED_ID } from './support/scripted-device.ts'
import { serveScripted } from './support/serve-scripted.ts'

const CHUNK = 'ab'.repeat(32)

/** A method that tells its arguments, without signal and listener, as its result. */
function telling(name: string) {
  return async (...given: unknown[]) => {
    const plain = given.map((argument) =>
      typeof argument === 'object' && argument !== null && !Array.isArray(argument)
        ? Object.fromEntries(Object.entries(argument).filter(([key]) => key !== 'signal' && key !== 'onProgress'))
        : argument,
    )
    return { name, given: plain }
  }
}

function entry(path: string): ListEntry {
  return { path, kind: 'file', size: 1, mtime: '1', mode: 0o644, missingChunks: 0, chunks: 1 }
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

/** Resolves when the signal is aborted. */
function whenAborted(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => {
      resolve(signal.reason)
    })
  })
}

describe('a call', () => {
  it('reaches the device with every parameter', async () => {
    const names = [
      'devices',
      'removeDevice',
      'renameDevice',
      'spaces',
      'createSpace',
      'adoptSpace',
      'invite',
      'invitations',
      'revokeInvitation',
      'confirmInvitation',
      'join',
      'add',
      'get',
      'getChunks',
      'move',
      'remove',
      'sync',
      'verify',
      'collect',
    ] as const
    const { client } = await serveScripted(Object.fromEntries(names.map((name) => [name, telling(name)])))
    const target = { space: 's', directory: '/d', output: '/d/o' }
    const calls: [Promise<unknown>, string, ...unknown[]][] = [
      [client.devices(), 'devices'],
      [client.removeDevice('id', { space: 's' }), 'removeDevice', 'id', { space: 's' }],
      [client.renameDevice('new'), 'renameDevice', 'new'],
      [client.spaces(), 'spaces'],
      [client.createSpace('photos', { chunker: 'fixed' }), 'createSpace', 'photos', { chunker: 'fixed' }],
      [client.adoptSpace('s', { as: 'new' }), 'adoptSpace', 's', { as: 'new' }],
      [
        client.invite({ space: 's', expiresInMs: 5, role: 'read', confirm: true }),
        'invite',
        { space: 's', expiresInMs: 5, role: 'read', confirm: true },
      ],
      [client.invitations(), 'invitations'],
      [client.revokeInvitation('i'), 'revokeInvitation', 'i'],
      [client.confirmInvitation('i', '123456'), 'confirmInvitation', 'i', '123456'],
      [client.join('ticket'), 'join', 'ticket', {}],
      [
        client.add(['/a', '/b'], { space: 's', as: 'x', replace: true }),
        'add',
        ['/a', '/b'],
        { space: 's', as: 'x', replace: true },
      ],
      [client.get('p', target), 'get', 'p', target],
      [client.getChunks([CHUNK as never], target), 'getChunks', [CHUNK], target],
      [client.move('a', 'b', { space: 's' }), 'move', 'a', 'b', { space: 's' }],
      [client.remove('a'), 'remove', 'a', {}],
      [client.sync({ timeoutMs: 9 }), 'sync', { timeoutMs: 9 }],
      [client.verify({ repair: true }), 'verify', { repair: true }],
      [client.collect(), 'collect', {}],
    ]
    for (const [result, name, ...given] of calls) expect(await result).toEqual({ name, given })
  })

  it('knows the device, and says that a daemon runs', async () => {
    const { client } = await serveScripted({ status: async () => ({ isDaemonRunning: false, home: '/h' }) as never })
    expect(client.id).toBe(SCRIPTED_ID)
    expect(await client.status()).toEqual({ isDaemonRunning: true, home: '/h' })
  })

  it('gives undefined where the device gives nothing', async () => {
    const { client } = await serveScripted({ move: async () => {} })
    expect(await client.move('a', 'b')).toBeUndefined()
  })

  it('fails with the code, message and details of the device', async () => {
    const { client } = await serveScripted({
      remove: async () => {
        throw new DittoError('DITTO_NOT_FOUND', 'There is no "x".', { details: { path: 'x' } })
      },
    })
    const failure = await client.remove('x').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(DittoError)
    expect(failure).toMatchObject({ code: 'DITTO_NOT_FOUND', message: 'There is no "x".', details: { path: 'x' } })
  })

  it('fails with DITTO_INTERNAL for a mistake in the program, which is logged', async () => {
    const mistake = new TypeError('undefined is no function')
    const { client, errors } = await serveScripted({
      spaces: async () => {
        throw mistake
      },
    })
    await expect(client.spaces()).rejects.toMatchObject({ code: 'DITTO_INTERNAL' })
    expect(errors).toEqual([expect.objectContaining({ error: mistake })])
  })

  it('tells progress in order while it runs', async () => {
    const seen: Progress[] = []
    const progress = (filesDone: number): Progress => ({ phase: 'add', filesDone, bytesDone: filesDone * 10 })
    const { client } = await serveScripted({
      add: async (_sources, options) => {
        for (let done = 0; done < 5; done++) options?.onProgress?.(progress(done))
        return { files: 5 } as never
      },
    })
    expect(await client.add(['/a'], { onProgress: (one) => void seen.push(one) })).toEqual({ files: 5 })
    expect(seen).toEqual([0, 1, 2, 3, 4].map(progress))
  })

  it('may be made a thousand times at once', async () => {
    const { client } = await serveScripted({ renameDevice: async () => {} })
    await Promise.all(Array.from({ length: 1000 }, (_, i) => client.renameDevice(`name ${i}`)))
    expect(client.id).toBe(SCRIPTED_ID)
  })

  it('is refused on this side when it is too large to send', async () => {
    const { client } = await serveScripted({})
    const sources = Array.from({ length: 50_000 }, (_, i) => `/${'long name '.repeat(10)}${i}`)
    await expect(client.add(sources)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
  })
})

describe('a stream', () => {
  it('comes whole and in order, in batches of a bounded size', async () => {
    const all = Array.from({ length: 1234 }, (_, i) => entry(`file ${i}`))
    let asked: unknown
    const { client } = await serveScripted({
      list: async function* (path, options) {
        asked = { path, space: options?.space, missing: options?.missing, isVerbose: options?.isVerbose }
        yield all.slice(0, 3)
        yield all.slice(3)
      },
    })
    const batches = await collect(client.list('p', { space: 's', missing: true, isVerbose: true }))
    expect(batches.flat()).toEqual(all)
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(500)
    expect(asked).toEqual({ path: 'p', space: 's', missing: true, isVerbose: true })
  })

  it('fails where the device fails, after what came before', async () => {
    const { client } = await serveScripted({
      list: async function* () {
        yield [entry('a')]
        throw new DittoError('DITTO_STORE_CORRUPT', 'The index is damaged.')
      },
    })
    const seen: string[] = []
    const reading = (async () => {
      for await (const batch of client.list()) seen.push(...batch.map(({ path }) => path))
    })()
    await expect(reading).rejects.toMatchObject({ code: 'DITTO_STORE_CORRUPT' })
    expect(seen).toEqual(['a'])
  })

  it('that nobody reads to its end ends in the daemon too', async () => {
    let end = (_: string) => {}
    const ended = new Promise<string>((resolve) => {
      end = resolve
    })
    const { client } = await serveScripted({
      list: async function* () {
        try {
          for (let i = 0; ; i++) yield [entry(`file ${i}`)]
        } finally {
          end('ended')
        }
      },
    })
    for await (const batch of client.list()) {
      if (batch.length > 0) break
    }
    expect(await ended).toBe('ended')
  })

  it('waits for a slow reader instead of filling memory', async () => {
    let made = 0
    const { client } = await serveScripted({
      read: async function* () {
        for (;;) {
          made += 65_536
          yield new Uint8Array(65_536)
        }
      },
    })
    const reading = client.read('p')[Symbol.asyncIterator]()
    await reading.next()
    // Both ends are in this process: where many turns of its loop bring nothing, the daemon waits.
    for (let calm = 0, before = made; calm < 100; calm++) {
      await new Promise(setImmediate)
      if (made !== before) calm = 0
      before = made
    }
    expect(made).toBeLessThan(4 * 1024 * 1024)
    await reading.return?.()
  })
})

describe('bytes', () => {
  it('come as they are', async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
    const { client } = await serveScripted({
      read: async function* (_path, options) {
        yield new Uint8Array()
        yield content.subarray(options?.start ?? 0, options?.end)
      },
    })
    const got = Buffer.concat(await collect(client.read('p', { start: 10, end: 290_000 })))
    expect(got.equals(content.subarray(10, 290_000))).toBe(true)
  })

  it('may be none', async () => {
    const { client } = await serveScripted({ read: async function* () {} })
    expect(await collect(client.read('p'))).toEqual([])
  })

  it.each([0, 1])('fail with the code of the device after %i pieces', async (pieces) => {
    const { client } = await serveScripted({
      read: async function* () {
        for (let i = 0; i < pieces; i++) yield Buffer.from('good')
        throw new DittoError('DITTO_CHUNK_CORRUPT', 'A piece of “p” is damaged.\n', { details: { path: 'p' } })
      },
    })
    await expect(collect(client.read('p'))).rejects.toMatchObject({
      code: 'DITTO_CHUNK_CORRUPT',
      message: 'A piece of “p” is damaged.\n',
      details: { path: 'p' },
    })
  })
})

describe('an abort', () => {
  it('rejects with its own reason and aborts the work in the daemon', async () => {
    let started = () => {}
    const running = new Promise<void>((resolve) => {
      started = resolve
    })
    let aborted: Promise<unknown> = Promise.resolve()
    const { client } = await serveScripted({
      sync: async (options) => {
        aborted = whenAborted(options?.signal)
        started()
        throw await aborted
      },
    })
    const controller = new AbortController()
    const syncing = client.sync({ signal: controller.signal })
    await running
    controller.abort(new Error('not wanted'))
    await expect(syncing).rejects.toThrow('not wanted')
    expect(await aborted).toMatchObject({ code: 'DITTO_CLOSED' })
  })

  it('before the call sends nothing', async () => {
    const { client } = await serveScripted({})
    const signal = AbortSignal.abort(new Error('not wanted'))
    await expect(client.status({ signal })).rejects.toThrow('not wanted')
    await expect(collect(client.list('', { signal }))).rejects.toThrow('not wanted')
    await expect(collect(client.read('', { signal }))).rejects.toThrow('not wanted')
  })

  it('stops a stream between two batches', async () => {
    const controller = new AbortController()
    const { client } = await serveScripted({
      list: async function* (_path, options) {
        yield [entry('a')]
        await whenAborted(options?.signal)
      },
    })
    const reading = (async () => {
      for await (const _ of client.list('', { signal: controller.signal })) controller.abort(new Error('enough'))
    })()
    await expect(reading).rejects.toThrow('enough')
  })
})

describe('the end of a daemon', () => {
  it('fails running calls with DITTO_CLOSED when it is stopped', async () => {
    let started = () => {}
    const running = new Promise<void>((resolve) => {
      started = resolve
    })
    const { client, server } = await serveScripted({
      waitUntilSynced: async (options) => {
        started()
        throw await whenAborted(options?.signal)
      },
    })
    const waiting = client.waitUntilSynced()
    waiting.catch(() => undefined)
    await running
    await server.close()
    await expect(waiting).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(client.status()).rejects.toMatchObject({ code: 'DITTO_DAEMON_UNREACHABLE' })
  })
})

describe('close', () => {
  it('refuses calls from then on, ends those that run, and may be called twice', async () => {
    const { client } = await serveScripted({ waitUntilSynced: () => new Promise(() => {}) })
    const waiting = client.waitUntilSynced()
    waiting.catch(() => undefined)
    await client.close()
    await client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(client.status()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(collect(client.list())).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
  })
})

describe('onChange', () => {
  it('tells every listener, once it stands and at each change, until it unsubscribes', async () => {
    const inDaemon = new Set<() => void>()
    let subscribed = () => {}
    let unsubscribed = () => {}
    const isSubscribed = new Promise<void>((resolve) => {
      subscribed = resolve
    })
    const isUnsubscribed = new Promise<void>((resolve) => {
      unsubscribed = resolve
    })
    const { client } = await serveScripted({
      onChange: (listener) => {
        inDaemon.add(listener)
        subscribed()
        return () => {
          inDaemon.delete(listener)
          unsubscribed()
        }
      },
    })
    let wake = () => {}
    let told = 0
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve
      })
    const first = next()
    const stop = client.onChange(() => {
      told++
      wake()
    })
    await first
    await isSubscribed
    const second = next()
    for (const listener of inDaemon) listener()
    await second
    expect(told).toBe(2)
    stop()
    stop()
    await isUnsubscribed
    expect(inDaemon.size).toBe(0)
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { ProcessDevice } from './support/process-device.ts'
import { writeRandomTree } from './support/tree.ts'

const CLI_ENTRY = path.resolve('apps/cli/bin/dittofs.js')

function start(device: ProcessDevice, ...args: string[]) {
  return spawn(process.execPath, [CLI_ENTRY, ...args], {
    env: { ...process.env, DITTOFS_HOME: device.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

describe('a command in a terminal', () => {
  it('that is interrupted or killed leaves the daemon and everything whole', async () => {
    const directory = await temporaryDirectory()
    const source = path.join(directory, 'source')
    await writeRandomTree(source, { files: 4000, maxFileBytes: 8000, seed: 1 })
    const [alone] = onLoopback(directory, ['alone'])
    await alone.start()
    for (const [signal, expected] of [
      ['SIGINT', { status: 130, killedBy: null }],
      ['SIGKILL', { status: null, killedBy: 'SIGKILL' }],
    ] as const) {
      const before = await alone.metric('dittofs_chunks')
      const adding = start(alone, 'add', source)
      const ended = once(adding, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
      // More of it is in than before: the work is under way. A command that asks could come too late.
      while ((await alone.metric('dittofs_chunks')) <= before);
      adding.kill(signal)
      const [status, killedBy] = await ended
      expect({ status, killedBy }).toEqual(expected)
    }
    expect(await alone.json('add', source)).toMatchObject({ files: 4000, skipped: [] })
    expect(await alone.json('verify')).toMatchObject({ damaged: [] })
    expect(await alone.stop()).toBe(0)
  })

  it('whose reader goes away ends quietly', async () => {
    const directory = await temporaryDirectory()
    const source = path.join(directory, 'source')
    await writeRandomTree(source, { files: 3000, maxFileBytes: 10, seed: 2 })
    const alone = new ProcessDevice({ home: path.join(directory, 'home'), name: 'alone' })
    await alone.must('add', source)
    const listing = start(alone, 'list')
    let stderr = ''
    listing.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const ended = once(listing, 'close')
    await once(listing.stdout, 'data')
    listing.stdout.destroy()
    expect((await ended)[0]).toBe(0)
    expect(stderr).toBe('')
  })

  it('waits for another one that has the home open', async () => {
    const alone = new ProcessDevice({ home: path.join(await temporaryDirectory(), 'home'), name: 'alone' })
    const results = await Promise.all(Array.from({ length: 2 }, () => alone.run('status', '--json')))
    // It waits ten seconds: more of them would need more than that on a busy machine.
    expect(results.map(({ status }) => status)).toEqual([0, 0])
  })
})

describe('--json', () => {
  it.each([true, false])('prints exactly one document, with a daemon: %s', async (isDaemon) => {
    const directory = await temporaryDirectory()
    await writeRandomTree(path.join(directory, 'source'), { files: 3, maxFileBytes: 10, seed: 3 })
    const [alone] = onLoopback(directory, ['alone'])
    if (isDaemon) await alone.start()
    const commands = [
      ['add', path.join(directory, 'source')],
      ['list'],
      ['list', '-v'],
      ['get', 'source', '-o', path.join(directory, 'out')],
      ['mv', 'source', 'moved'],
      ['rm', 'moved'],
      ['status'],
      ['devices'],
      ['devices', 'rename', 'attic'],
      ['spaces'],
      ['spaces', 'create', 'photos'],
      ['invite'],
      ['invite', '--list'],
      ['verify'],
      ['collect'],
      ['version'],
      ['completion', 'fish'],
    ]
    for (const args of commands) {
      const stdout = await alone.must('--json', ...args)
      expect(() => JSON.parse(stdout) as unknown, args.join(' ')).not.toThrow()
    }
    for (const args of [['list', 'absent'], ['rm', 'absent'], ['no-such-command'], ['get']]) {
      const { status, stdout } = await alone.run('--json', ...args)
      expect(JSON.parse(stdout), args.join(' ')).toMatchObject({ error: { code: expect.any(String) as string } })
      expect([2, 4]).toContain(status)
    }
  })
})

describe('a daemon', () => {
  it('tells its metrics on the control socket', async () => {
    const [alone] = onLoopback(await temporaryDirectory(), ['alone'])
    await alone.start()
    const asked = request({
      socketPath: path.join(alone.home, 'run', 'control.sock'),
      path: '/metrics',
      headers: { host: 'localhost' },
    }).end()
    const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream]
    let text = ''
    for await (const piece of response.setEncoding('utf8')) text += piece as string
    expect(text).toMatch(/^dittofs_link_up\{link="tcp"\} 1$/m)
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
  })
})

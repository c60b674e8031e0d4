import { Writable } from 'node:stream'
import { type Device, DittoError, ERROR_CODES, type ErrorCode } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { exitStatusOfCode } from '../src/exit-status.ts'
import { runCli } from './support/run-cli.ts'

function failing(code: ErrorCode, message = 'It failed.'): Partial<Device> {
  return {
    status: async () => {
      throw new DittoError(code, message, { details: { path: 'x' } })
    },
  }
}

describe('wrong usage', () => {
  it.each([
    [['no-such-command'], /Unknown command 'no-such-command'/],
    [['statsu'], /Did you mean status\?/],
    [['add'], /Missing required argument 'path'/],
    [['list', '--no-such-option'], /Unknown option '--no-such-option'/],
    [['mv', 'a', 'b', 'c'], /Too many arguments/],
    [['daemon', '--port', '70000'], /A port is a number from 0 to 65535/],
    [['invite', '--expires', 'soon'], /A time is written like/],
    [['get', '--hashes', 'abc', '-o', 'x'], /A chunk ID is 64 hex digits/],
    [['get'], /Say what to get/],
    [['get', 'a', '--file', 'b'], /Say what to get/],
    [['get', '--hashes', 'ab'.repeat(32)], /say with -o/],
    [['spaces', 'create', 'x', '--chunker', 'axe'], /Allowed choices are fastcdc, fixed/],
  ])('%j ends with status 2 and one sentence', async (args, text) => {
    const { status, stdout, stderr } = await runCli(args)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(text)
    expect(stderr).toMatch(/^dittofs: [^\n]+\n$/)
  })

  it('is told as a document with --json', async () => {
    const { status, stdout } = await runCli(['list', '--json', '--no-such-option'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DITTO_USAGE', details: {} } })
    expect(status).toBe(2)
  })

  it('without any words shows help, on stderr', async () => {
    const { status, stdout, stderr } = await runCli([])
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/Usage: dittofs/)
  })
})

describe('help', () => {
  it.each([['--help'], ['help', 'add'], ['add', '--help'], ['devices', 'remove', '--help'], ['--version']])(
    '%s %s %s goes to stdout and ends with status 0',
    async (...args) => {
      const { status, stdout, stderr, steps } = await runCli(args.filter((word) => word !== undefined))
      expect(status).toBe(0)
      expect(stdout).not.toBe('')
      expect(stderr).toBe('')
      expect(steps).toEqual([])
    },
  )
})

describe('a failure', () => {
  it('is one plain sentence on stderr, and the status of its code', async () => {
    const { status, stdout, stderr } = await runCli(['status'], { device: failing('DITTO_NOT_FOUND') })
    expect({ status, stdout, stderr }).toEqual({ status: 4, stdout: '', stderr: 'dittofs: It failed.\n' })
  })

  it.each(ERROR_CODES)('%s ends with the status that its code has', async (code) => {
    expect((await runCli(['status'], { device: failing(code) })).status).toBe(exitStatusOfCode(code))
  })

  it('is also one JSON document with --json', async () => {
    const { stdout } = await runCli(['--json', 'status'], { device: failing('DITTO_NO_SPACE') })
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'DITTO_NO_SPACE', message: 'It failed.', details: { path: 'x' } },
    })
  })

  it('shows where it came from with --debug', async () => {
    const { stderr } = await runCli(['status', '--debug'], { device: failing('DITTO_IO') })
    expect(stderr).toMatch(/run\.test\.ts/)
  })

  it('cannot fake a line or colour a terminal by a name in it', async () => {
    const message = 'There is no "a\nb\u001b[31m\u202etxt.exe".'
    const { stderr } = await runCli(['status'], { device: failing('DITTO_NOT_FOUND', message) })
    expect(stderr).toBe('dittofs: There is no "a\\u{a}b\\u{1b}[31m\\u{202e}txt.exe".\n')
  })

  it('that nobody foresaw says so, without a stack', async () => {
    const device: Partial<Device> = { status: () => Promise.reject(new TypeError('x is undefined')) }
    const { status, stderr } = await runCli(['status'], { device })
    expect(status).toBe(1)
    expect(stderr).toBe('dittofs: Something is wrong in DittoFS itself: x is undefined; --debug shows where.\n')
  })

  it('still closes the device', async () => {
    expect((await runCli(['status'], { device: failing('DITTO_IO') })).steps).toEqual(['connect', 'close'])
  })
})

describe('the home', () => {
  it.each([
    [['status'], { DITTOFS_HOME: '/a' }, '/a'],
    [['status', '--home', '/b'], { DITTOFS_HOME: '/a' }, '/b'],
    [['--home', 'b', 'status'], {}, '/files/b'],
  ])('of %j with %j is %s', async (args, environment, expected) => {
    let home = ''
    await runCli(args, {
      environment,
      access: {
        connect: async (chosen) => {
          home = chosen
          throw new DittoError('DITTO_HOME_UNSAFE', 'Enough for this test.')
        },
      },
    })
    expect(home).toBe(expected)
  })
})

describe('the device', () => {
  const status: Partial<Device> = { devices: async () => [] }

  it('is that of the daemon when one runs', async () => {
    expect((await runCli(['devices'], { device: status })).steps).toEqual(['connect', 'close'])
  })

  it('is opened in this process when none runs', async () => {
    expect((await runCli(['devices'], { device: status, isDaemon: false })).steps).toEqual(['connect', 'open', 'close'])
  })

  it('is tried again while another process has the home for a moment', async () => {
    let attempts = 0
    const { status: exitStatus } = await runCli(['devices'], {
      isDaemon: false,
      access: {
        open: async () => {
          if (++attempts < 3) throw new DittoError('DITTO_HOME_LOCKED', 'In use by process 1.')
          return { devices: async () => [], close: async () => {} } as unknown as Device
        },
      },
    })
    expect(attempts).toBe(3)
    expect(exitStatus).toBe(0)
  })

  it('is given up after ten seconds of that', async () => {
    let now = 0
    const { status: exitStatus, stderr } = await runCli(['devices'], {
      isDaemon: false,
      now: () => (now += 4000),
      access: { open: () => Promise.reject(new DittoError('DITTO_HOME_LOCKED', 'In use by process 1.')) },
    })
    expect(exitStatus).toBe(1)
    expect(stderr).toBe('dittofs: In use by process 1.\n')
  })
})

describe('Ctrl-C', () => {
  it('aborts the work, closes the device, and ends with status 130', async () => {
    const controller = new AbortController()
    const { status, stderr, steps } = await runCli(['collect'], {
      signal: controller.signal,
      device: {
        collect: (options) =>
          new Promise((_, reject) => {
            options?.signal?.addEventListener('abort', () => {
              reject(options.signal?.reason)
            })
            controller.abort(new Error('interrupted by SIGINT'))
          }),
      },
    })
    expect({ status, stderr }).toEqual({ status: 130, stderr: 'dittofs: interrupted\n' })
    expect(steps).toEqual(['connect', 'close'])
  })
})

describe('a reader that goes away', () => {
  it('ends a long list quietly, and the device is closed', async () => {
    let batches = 0
    const stdout = new Writable({
      write(_text, _encoding, done) {
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      },
    })
    const entry = { path: 'a', kind: 'file', size: 1, mtime: '1', mode: 0, missingChunks: 0, chunks: 1 } as const
    const { status, stderr, steps } = await runCli(['list'], {
      stdout,
      device: {
        list: async function* () {
          for (; batches < 1000; batches++) yield [entry]
        },
      },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(batches).toBeLessThan(10)
    expect(steps).toEqual(['connect', 'close'])
  })
})

import { describe, expect, it } from 'vitest'
import { parseOptions } from '../src/parse-options.ts'
import { DEFAULT_SERVER_LIMITS } from '../src/server-limits.ts'

const parse = (args: string, environment: NodeJS.ProcessEnv = {}) =>
  parseOptions(args === '' ? [] : args.split(' '), environment, '1.2.3')

describe('parseOptions', () => {
  it('runs without any option', () => {
    expect(parse('')).toEqual({
      options: {
        host: '::',
        port: 4110,
        origins: [],
        trustedProxies: [],
        bus: undefined,
        limits: DEFAULT_SERVER_LIMITS,
        logLevel: 'info',
      },
    })
  })

  it('reads flags', () => {
    const parsed = parse(
      '--host 127.0.0.1 --port 0 --origin wss://A.example/ wss://b.example --trusted-proxy 10.0.0.0/8 --trusted-proxy ::1 --bus redis://h:1 --max-connections 5 --connections-per-address 6 --registrations-per-second 7 --log-level silent',
    )
    expect(parsed).toEqual({
      options: {
        host: '127.0.0.1',
        port: 0,
        origins: ['wss://a.example', 'wss://b.example'],
        trustedProxies: ['10.0.0.0/8', '::1'],
        bus: 'redis://h:1',
        limits: { ...DEFAULT_SERVER_LIMITS, maxConnections: 5, connectionsPerAddress: 6, registrationsPerSecond: 7 },
        logLevel: 'silent',
      },
    })
  })

  it('reads the environment, and lets the command line win', () => {
    const environment = {
      DITTOFS_SIGNALING_PORT: '5000',
      DITTOFS_SIGNALING_ORIGIN: 'wss://a.example, wss://b.example',
      DITTOFS_SIGNALING_LOG_LEVEL: 'warn',
      DITTOFS_SIGNALING_BUS: '',
    }
    expect(parse('', environment)).toMatchObject({
      options: { port: 5000, origins: ['wss://a.example', 'wss://b.example'], logLevel: 'warn', bus: undefined },
    })
    expect(parse('--port 1 --origin wss://c.example', environment)).toMatchObject({
      options: { port: 1, origins: ['wss://c.example'], logLevel: 'warn' },
    })
  })

  it('shows help and version with status 0', () => {
    expect(parse('--help')).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining('DITTOFS_SIGNALING_PORT') as string,
    })
    expect(parse('--version')).toEqual({ exitCode: 0, text: '1.2.3\n' })
  })

  it.each([
    '--port 65536',
    '--port -1',
    '--port 1e3',
    '--port',
    '--origin https://a.example',
    '--origin wss://a.example/path',
    '--trusted-proxy nonsense',
    '--bus http://a.example',
    '--max-connections 0',
    '--log-level loud',
    '--unknown',
    'argument',
  ])('refuses %s with status 2 and says why', (args) => {
    const parsed = parse(args)
    expect(parsed).toMatchObject({ exitCode: 2, text: expect.stringMatching(/^error: .+\n$/) as string })
  })

  it.each([
    ['DITTOFS_SIGNALING_PORT', 'x'],
    ['DITTOFS_SIGNALING_TRUSTED_PROXY', '10.0.0.0/8,x'],
    ['DITTOFS_SIGNALING_LOG_LEVEL', 'loud'],
  ])('refuses a wrong %s with status 2 and names it', (name, value) => {
    expect(parse('', { [name]: value })).toMatchObject({
      exitCode: 2,
      text: expect.stringContaining(name) as string,
    })
  })
})

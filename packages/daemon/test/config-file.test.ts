import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isDittoError } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { configTemplate, loadConfig, parseConfig, withConfigValue } from '../src/config/config-file.ts'
import { CONFIG_KEYS, DEFAULT_CONFIG, iceUrls, isPeerAddress } from '../src/config/config-schema.ts'

const FILE = '/home/alice/.dittofs/config.toml'

function refusal(text: string): string {
  try {
    parseConfig(text, FILE)
  } catch (error) {
    if (isDittoError(error, 'DITTO_CONFIG_INVALID')) return error.message
    throw error
  }
  throw new Error('the settings were taken')
}

describe('loadConfig', () => {
  it('writes a file that shows every key, for the owner alone, on first use', async () => {
    const file = path.join(await temporaryDirectory(), 'config.toml')
    expect(await loadConfig(file)).toEqual(DEFAULT_CONFIG)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const text = await readFile(file, 'utf8')
    for (const key of Object.keys(CONFIG_KEYS)) expect(text).toContain(`\n#${key} = `)
    expect(await loadConfig(file)).toEqual(DEFAULT_CONFIG)
  })

  it('takes every default when its line is put in force', () => {
    const text = configTemplate().replaceAll(/^#(?=[a-z_]+ = )/gm, '')
    expect(parseConfig(text, FILE)).toEqual(DEFAULT_CONFIG)
  })

  it('leaves a file it cannot use as it is', async () => {
    const file = path.join(await temporaryDirectory(), 'config.toml')
    await writeFile(file, 'port = "high"')
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'DITTO_CONFIG_INVALID', details: { file } })
    expect(await readFile(file, 'utf8')).toBe('port = "high"')
  })
})

describe('parseConfig', () => {
  it('names a key it does not know and lists those there are', () => {
    expect(refusal('prot = 1')).toContain('there is no key "prot"; the keys are name, port,')
  })

  it.each([
    ['port = 65536', 'port must be a whole number from 0 to 65535'],
    ['port = 1.5', 'port must be a whole number'],
    ['mdns = "yes"', 'mdns must be true or false'],
    ['fetch = "some"', 'fetch must be "all" or "on-demand"'],
    ['name = "a\\u0007"', 'name must be text of at most 128 bytes'],
    ['peers = ["nas"]', 'peers must be a list of at most 256 addresses written "HOST:PORT"'],
    ['[port]', 'port must be a whole number'],
    ['__proto__ = 1', 'there is no key "__proto__"'],
  ])('says what is expected where the type is wrong: %s', (text, expected) => {
    expect(refusal(text)).toContain(expected)
  })

  it('names the line that is no TOML', () => {
    expect(refusal('port = 1\nname = "alice')).toMatch(/line 2: /)
  })
})

describe('stun and turn', () => {
  it.each([
    'stun = ""',
    'stun = "stun.example:3478"',
    'stun = ["stun.example:3478", "stun:[2001:db8::7]:3478"]',
    'turn = []',
    'turn = "turn.example:3478"',
    'turn = ["turn.example:3478", "turn:turn.example:80?transport=tcp", "turns:turn.example"]',
  ])('take %s', (line) => {
    expect(() => parseConfig(line, FILE)).not.toThrow()
  })

  it.each([
    ['stun = "stuns:stun.example"', /STUN goes over UDP alone/],
    ['stun = "turn:turn.example"', /stun must be/],
    ['turn = "turns:turn.example?transport=udp"', /TURN over DTLS is not supported/],
    ['turn = ["turn.example:3478", "turn:turn.example?transport=sctp"]', /turn must be/],
    ['turn = "stun:stun.example"', /turn must be/],
    ['turn = 3478', /turn must be/],
    [`stun = ${JSON.stringify(Array(5).fill('stun.example:3478'))}`, /at most 4/],
  ])('refuse %s, in words', (line, sentence) => {
    expect(() => parseConfig(line, FILE)).toThrow(
      expect.objectContaining({ code: 'DITTO_CONFIG_INVALID', message: expect.stringMatching(sentence) as string }),
    )
  })

  it('name the same servers by URL, however they are written', () => {
    expect(iceUrls('stun', 'a.example:1')).toEqual(['stun:a.example:1'])
    expect(iceUrls('turn', ['a.example:1', 'turns:b.example'])).toEqual(['turn:a.example:1', 'turns:b.example'])
    expect(iceUrls('turn', '')).toEqual([])
  })
})

describe('withConfigValue', () => {
  it('puts a commented line in force and leaves all others alone', () => {
    const before = configTemplate()
    const after = withConfigValue(before, FILE, 'name', 'alice "the first" $& \\')
    expect(parseConfig(after, FILE).name).toBe('alice "the first" $& \\')
    expect(after.split('\n').length).toBe(before.split('\n').length)
  })

  it('replaces a value in force', () => {
    expect(withConfigValue('port = 4100\nname = "old"\n', FILE, 'name', 'new')).toBe('port = 4100\nname = "new"\n')
  })

  it('adds a key that is not mentioned', () => {
    expect(parseConfig(withConfigValue('port = 1\n', FILE, 'name', 'bob'), FILE)).toMatchObject({
      port: 1,
      name: 'bob',
    })
  })

  it('gives up, in words, on a value that a line cannot replace', () => {
    expect(() => withConfigValue('name = """\nold\n"""', FILE, 'name', 'new')).toThrow(/cannot be used/)
  })
})

describe('isPeerAddress', () => {
  it.each(['192.0.2.7:4100', 'nas.example:1', '[2001:db8::7]:65535', '[fe80::1%eth0]:4100'])('takes %s', (text) => {
    expect(isPeerAddress(text)).toBe(true)
  })
  it.each(['nas', ':1', 'nas:0', 'nas:65536', '2001:db8::7:1', 'a b:1', 'tcp://a:1'])('refuses %s', (text) => {
    expect(isPeerAddress(text)).toBe(false)
  })
})

import { type Device, type DeviceInfo, DittoError, type ListEntry, type Progress } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import type { DeviceAccess } from '../src/device-access.ts'
import { runCli } from './support/run-cli.ts'

const CHUNK = 'ab'.repeat(32)

function entry(path: string, more: Partial<ListEntry> = {}): ListEntry {
  return {
    path,
    kind: 'file',
    size: 5,
    mtime: '1767225600000000000',
    mode: 0o644,
    missingChunks: 0,
    chunks: 1,
    ...more,
  }
}

function listing(...batches: ListEntry[][]): Partial<Device> {
  return {
    list: async function* () {
      yield* batches
    },
  }
}

/** A method that keeps its arguments. */
function keeping<Result>(result: Result) {
  const calls: unknown[][] = []
  const method = async (...given: unknown[]) => {
    calls.push(
      given.map((argument) =>
        typeof argument === 'object' && argument !== null && 'signal' in argument
          ? Object.fromEntries(Object.entries(argument).filter(([key]) => key !== 'signal' && key !== 'onProgress'))
          : argument,
      ),
    )
    return result
  }
  return { calls, method: method as never }
}

describe('list', () => {
  it('prints nothing for an empty space, and an empty document', async () => {
    expect((await runCli(['list'], { device: listing() })).stdout).toBe('')
    expect((await runCli(['list', '--json'], { device: listing([]) })).stdout).toBe('[]\n')
  })

  it('prints exactly the documented fields, in one document over all batches', async () => {
    const link = entry('c', { kind: 'symlink', target: '../x', conflictOf: 'b' })
    const device = listing([entry('a')], [], [entry('b'), link])
    const { stdout } = await runCli(['list', '--json'], { device })
    expect(JSON.parse(stdout)).toEqual([entry('a'), entry('b'), link])
    expect(stdout.split('\n')[1]).toBe(
      '{"path":"a","kind":"file","size":5,"mtime":"1767225600000000000","mode":420,"missingChunks":0,"chunks":1},',
    )
  })

  it('shows a person mode, size, age and path, what is missing, and nothing that a name could do to a terminal', async () => {
    const { stdout } = await runCli(['list'], {
      device: listing([
        entry('photos', { kind: 'directory', mode: 0o755 }),
        entry('photos/a.jpg', { size: 1_300_000, chunks: 20, missingChunks: 3 }),
        entry('photos/b\u001b[2J', { kind: 'symlink', target: 'a\u202e.jpg', mode: 0o777 }),
        entry('photos/c (conflict)', { conflictOf: 'photos/c' }),
      ]),
    })
    expect(stdout).toMatchInlineSnapshot(`
      "drwxr-xr-x            1 day ago       photos/
      -rw-r--r--  1.24 MiB  1 day ago       photos/a.jpg  (3 of 20 chunks missing)
      lrwxrwxrwx       5 B  1 day ago       photos/b\\u{1b}[2J -> a\\u{202e}.jpg
      -rw-r--r--       5 B  1 day ago       photos/c (conflict)  (conflicts with photos/c)
      "
    `)
  })

  it('-v names authors and chunks', async () => {
    const { stdout } = await runCli(['list', '-v'], {
      device: listing([entry('a', { author: 'bob', chunkIds: [CHUNK as never] })]),
    })
    expect(stdout).toMatch(/a {2}\(by bob\)\n {4}(ab){32}\n$/)
  })

  it('passes on its path and options', async () => {
    let asked: unknown
    const device: Partial<Device> = {
      list: async function* (path, options) {
        asked = { path, ...options, signal: undefined }
        yield []
      },
    }
    await runCli(['list', 'p', '--missing', '-v', '--space', 's'], { device })
    expect(asked).toEqual({ path: 'p', missing: true, isVerbose: true, space: 's', signal: undefined })
  })

  it('of nothing there says so in one document', async () => {
    const device: Partial<Device> = {
      // biome-ignore lint/correctness/useYield: it fails before the first batch
      list: async function* () {
        throw new DittoError('DITTO_NOT_FOUND', 'There is no "x".')
      },
    }
    const { status, stdout, stderr } = await runCli(['list', 'x', '--json'], { device })
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DITTO_NOT_FOUND' } })
    expect(status).toBe(4)
    expect(stderr).toBe('dittofs: There is no "x".\n')
  })
})

describe('add', () => {
  const result = {
    ...{ files: 2, directories: 1, symlinks: 0, unchanged: 1, bytes: 2048, newChunks: 1, newBytes: 1024 },
    paths: ['a', 'b'],
    skipped: [],
  }

  it('makes paths absolute and says what was added', async () => {
    const { calls, method } = keeping(result)
    const { status, stdout } = await runCli(['add', 'a', '../b', '--replace', '--space', 's'], {
      device: { add: method },
    })
    expect(calls).toEqual([[['/files/a', '/b'], { replace: true, space: 's' }]])
    expect(stdout).toBe('Added 2 files (2.00 KiB), 1 directory, 1 file unchanged; new: 1 chunk, 1.00 KiB.\n')
    expect(status).toBe(0)
  })

  it('ends with status 1 when something was left out, and names it', async () => {
    const skipped = [{ path: '/files/a\nb', code: 'DITTO_PERMISSION', reason: 'this user may not read it' }]
    const { method } = keeping({ ...result, skipped })
    const { status, stderr, stdout } = await runCli(['add', 'a', '--json'], { device: { add: method } })
    expect(status).toBe(1)
    expect(stderr).toBe('dittofs: left out: /files/a\\u{a}b: this user may not read it\n')
    expect(JSON.parse(stdout)).toMatchObject({ files: 2, skipped })
  })

  it('draws progress on a terminal and takes it away at the end', async () => {
    const progress: Progress = { phase: 'add', filesDone: 1, filesTotal: 4, bytesDone: 512, bytesTotal: 2048 }
    const device: Partial<Device> = {
      add: async (_sources, options) => {
        options?.onProgress?.(progress)
        return result
      },
    }
    const { stderr } = await runCli(['add', 'a'], { device, isTerminal: true })
    expect(stderr).toBe('\r\u001b[KAdding  25 %  1 of 4 files  512 B of 2.00 KiB\r\u001b[K')
    expect((await runCli(['add', 'a'], { device })).stderr).toBe('')
  })
})

describe('get', () => {
  const result = {
    ...{ output: '/files/a', files: 1, directories: 0, symlinks: 0, bytes: 10, fetchedBytes: 0 },
    skipped: [],
  }

  it('writes to the current directory, or where -o says', async () => {
    const { calls, method } = keeping(result)
    await runCli(['get', 'p/a'], { device: { get: method } })
    await runCli(['get', '--file', 'p/a', '-o', 'out', '--space', 's'], { device: { get: method } })
    expect(calls).toEqual([
      ['p/a', { directory: '/files' }],
      ['p/a', { directory: '/files', output: '/files/out', space: 's' }],
    ])
  })

  it('joins chunks by their IDs', async () => {
    const { calls, method } = keeping(result)
    await runCli(['get', '--hashes', `${CHUNK.toUpperCase()}, ${CHUNK}`, '-o', '/out'], {
      device: { getChunks: method },
    })
    expect(calls).toEqual([[[CHUNK, CHUNK], { directory: '/files', output: '/out' }]])
  })

  it('opens links only when bytes are missing and no daemon runs', async () => {
    let attempts = 0
    const device: Partial<Device> = {
      get: async () => {
        if (++attempts === 1) throw new DittoError('DITTO_CHUNK_MISSING', 'Not here.')
        return { ...result, fetchedBytes: 10 }
      },
    }
    const { status, stdout, steps } = await runCli(['get', 'a'], { device, isDaemon: false })
    expect(steps).toEqual(['connect', 'open', 'close', 'connect', 'open online', 'close'])
    expect(stdout).toBe('Wrote 1 file (10 B, 10 B of it fetched) to /files/a.\n')
    expect(status).toBe(0)
  })

  it('names the way out when a different file is in the way', async () => {
    const device: Partial<Device> = { get: () => Promise.reject(new DittoError('DITTO_EXISTS', 'It is taken.')) }
    const { status, stderr } = await runCli(['get', 'a'], { device })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^dittofs: It is taken\.\nhint: use -o PATH[^\n]*\n$/)
  })

  it('ends with status 3 when nobody has the bytes', async () => {
    const device: Partial<Device> = { get: () => Promise.reject(new DittoError('DITTO_CHUNK_MISSING', 'Not here.')) }
    const alone = await runCli(['get', 'a'], { device, isDaemon: false })
    expect(alone.steps.filter((step) => step.startsWith('open'))).toEqual(['open', 'open online'])
    expect(alone.status).toBe(3)
    const served = await runCli(['get', 'a'], { device })
    expect(served.steps).toEqual(['connect', 'close'])
    expect(served.status).toBe(3)
  })
})

describe('invite', () => {
  const invitation = {
    ...{ ticket: 'DITTO1ABC', id: '01', space: { id: 's', name: 'home' }, role: 'full' },
    expiresAt: Date.UTC(2026, 0, 2, 1),
  }

  it('prints the ticket alone', async () => {
    const { calls, method } = keeping(invitation)
    const { stdout, stderr } = await runCli(['invite', '--expires', '30m', '--read-only'], {
      device: { invite: method },
    })
    expect({ stdout, stderr }).toEqual({ stdout: 'DITTO1ABC\n', stderr: '' })
    expect(calls).toEqual([[{ expiresInMs: 1_800_000, role: 'read' }]])
  })

  it('shows a QR code on a terminal, beside stdout', async () => {
    const { method } = keeping(invitation)
    const { stdout, stderr } = await runCli(['invite'], { device: { invite: method }, isTerminal: true })
    expect(stdout).toBe('DITTO1ABC\n')
    expect(stderr).toMatch(/█/)
    expect(stderr).toMatch(/expires in 1 hour/)
  })

  it('warns when no daemon runs that could redeem it', async () => {
    const { method } = keeping(invitation)
    const { status, stdout, stderr } = await runCli(['invite'], { device: { invite: method }, isDaemon: false })
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'DITTO1ABC\n' })
    expect(stderr).toMatch(/Start "dittofs daemon"/)
  })

  it('lists and revokes', async () => {
    const waiting = [{ id: 'BOB-ID', name: 'b\u001bob', digits: '012345' }]
    const open = { ...invitation, ticket: undefined, state: 'open', hasConfirmation: false, waiting: [] }
    const asking = { ...open, id: '02', hasConfirmation: true, waiting }
    const list = await runCli(['invite', '--list'], { device: { invitations: keeping([open, asking]).method } })
    expect(list.stdout).toBe(
      'ID  SPACE  ROLE  STATE\n' +
        '01  home   full  open   expires in 1 hour\n' +
        '02  home   full  open   b\\u{1b}ob (BOB-ID) waits and shows 012 345; expires in 1 hour, with confirmation\n',
    )
    const { calls, method } = keeping(undefined)
    await runCli(['invite', '--revoke', '01'], { device: { revokeInvitation: method } })
    expect(calls).toEqual([['01']])
  })

  describe('--confirm', () => {
    const bob = { id: 'BOB-ID', name: 'bob', digits: '012345' }
    const yes = async (): Promise<string> => 'y'
    const open = { ...invitation, ticket: undefined, state: 'open', hasConfirmation: true, waiting: [] }

    /** A daemon at which bob comes some time after the ticket was made. */
    function daemonWithBob() {
      const answers = { confirmed: [] as unknown[][], revoked: [] as string[] }
      let isThere = false
      const device: Partial<Device> = {
        invite: keeping(invitation).method,
        invitations: async () => [{ ...open, waiting: isThere ? [bob] : [] }] as never,
        onChange: (listener) => {
          setImmediate(() => {
            isThere = true
            listener()
          })
          return () => {}
        },
        confirmInvitation: async (...given) => {
          answers.confirmed.push(given)
          return bob as never
        },
        revokeInvitation: async (id) => void answers.revoked.push(id),
      }
      return { device, answers }
    }

    it('waits at a terminal and asks about who comes', async () => {
      const { device, answers } = daemonWithBob()
      const questions: string[] = []
      const ask = async (question: string) => {
        questions.push(question)
        return 'y'
      }
      const { status, stderr } = await runCli(['invite', '--confirm'], { device, ask, isTerminal: true })
      expect(questions).toEqual(['bob (BOB-ID) wants to join. Does it show the digits 012 345? [y/N] '])
      expect(answers).toEqual({ confirmed: [['01', '012345']], revoked: [] })
      expect(stderr).toContain('bob (BOB-ID) is let in.')
      expect(status).toBe(0)
    })

    it('makes the ticket useless after anything but a yes', async () => {
      const { device, answers } = daemonWithBob()
      const ask = async () => ''
      const { status, stderr } = await runCli(['invite', '--confirm'], { device, ask, isTerminal: true })
      expect(answers).toEqual({ confirmed: [], revoked: ['01'] })
      expect(stderr).toContain('Nobody was let in; the ticket is useless now.')
      expect(status).toBe(1)
    })

    it('ends when the ticket is of no use any more', async () => {
      const { device } = daemonWithBob()
      const gone = { ...device, invitations: async () => [{ ...open, state: 'revoked' }] as never }
      const ask = () => Promise.reject(new Error('nobody is asked'))
      const { status } = await runCli(['invite', '--confirm'], { device: gone, ask, isTerminal: true })
      expect(status).toBe(1)
    })

    it.each([
      ['without a terminal', {}, ['invite', '--confirm']],
      ['with --json', { isTerminal: true, ask: yes }, ['invite', '--confirm', '--json']],
      ['without a daemon', { isTerminal: true, ask: yes, isDaemon: false }, ['invite', '--confirm']],
    ])('%s says how to confirm, and ends', async (_, options, args) => {
      const { calls, method } = keeping(invitation)
      const { status, stdout, stderr } = await runCli(args, { ...options, device: { invite: method } })
      expect(calls).toEqual([[{ confirm: true }]])
      expect(stdout).toContain(invitation.ticket)
      expect(stderr).toContain('dittofs invite confirm 01 DIGITS')
      expect(status).toBe(0)
    })

    it('is given by its own command, with the digits as they were read out', async () => {
      const { calls, method } = keeping(bob)
      const { stdout } = await runCli(['invite', 'confirm', '01', '012', '345'], {
        device: { confirmInvitation: method },
      })
      expect(calls).toEqual([['01', '012345']])
      expect(stdout).toBe('bob (BOB-ID) is let in.\n')
    })
  })
})

describe('join', () => {
  it('opens links when no daemon runs, and names the other device', async () => {
    const joined = { space: { id: 's', name: 'home' }, role: 'read', peer: { id: 'BOB-ID', name: 'b\u001bob' } }
    const { calls, method } = keeping(joined)
    const { stdout, steps } = await runCli(['join', 'DITTO1X'], { device: { join: method }, isDaemon: false })
    expect(steps).toEqual(['connect', 'open online', 'close'])
    expect(calls).toEqual([['DITTO1X', {}]])
    expect(stdout).toBe(
      'Paired with b\\u{1b}ob (BOB-ID).\nThis device is a member of the space "home" and may read it.\n',
    )
  })
})

describe('join with a ticket that has to be confirmed', () => {
  it.each([[['join', 'T']], [['join', 'T', '--json']]])('%j shows the digits on stderr, once', async (args) => {
    const device: Partial<Device> = {
      join: async (_, options) => {
        const progress: Progress = { phase: 'confirm', filesDone: 0, bytesDone: 0, current: '012345' }
        options?.onProgress?.(progress)
        options?.onProgress?.(progress)
        return { space: { id: 's', name: 'home' }, role: 'full', peer: { id: 'BOB-ID', name: 'bob' } } as never
      },
    }
    const { stderr } = await runCli(args, { device })
    expect(stderr.match(/012 345/g)).toHaveLength(1)
  })
})

describe('sync', () => {
  const peer = { id: 'BOB-ID', name: 'bob', isUpToDate: true }

  it.each([
    ['nobody was reached', [], 3],
    ['all are up to date', [peer], 0],
    ['one is not', [peer, { ...peer, isUpToDate: false, problem: 'it hung up' }], 1],
  ])('where %s ends with its status', async (_, peers, expected) => {
    const { calls, method } = keeping({ peers, waiting: [], fetchedBytes: 0, sentBytes: 0 })
    const { status, stdout } = await runCli(['sync', '--timeout', '1', '--json'], { device: { sync: method } })
    expect(status).toBe(expected)
    expect(calls).toEqual([[{ timeoutMs: 1000 }]])
    expect(JSON.parse(stdout)).toMatchObject({ peers })
  })

  it.each([
    ['accept', '"dittofs accept"'],
    ['room', '"reserve"'],
    ['link', '"metered"'],
  ] as const)(
    'does not say up to date while content waits for %s, and is done all the same',
    async (waitsFor, hint) => {
      const waiting = [{ space: { id: 's', name: 'home' }, waitsFor, bytes: 8 * 1024 ** 2 }]
      const { method } = keeping({ peers: [peer], waiting, fetchedBytes: 0, sentBytes: 0 })
      const { status, stdout } = await runCli(['sync'], { device: { sync: method } })
      expect(status).toBe(0)
      expect(stdout).not.toContain('up to date')
      expect(stdout).toMatch(/8.* of home waits: /)
      expect(stdout).toContain(hint)
    },
  )
})

describe('verify', () => {
  const damage = { id: CHUNK, problem: 'corrupt', paths: ['a', 'b'] }

  it.each([
    ['no damage', [], 0, 0],
    ['damage', [damage], 0, 5],
    ['damage that was repaired', [damage], 1, 0],
  ])('with %s ends with its status', async (_, damaged, repaired, expected) => {
    const { method } = keeping({ chunks: 3, bytes: 100, damaged, repaired })
    const { status, stdout } = await runCli(['verify', '--repair', '--json'], { device: { verify: method } })
    expect(status).toBe(expected)
    expect(JSON.parse(stdout)).toEqual({ chunks: 3, bytes: 100, damaged, repaired })
  })

  it('needs links only for repair', async () => {
    const device: Partial<Device> = { verify: keeping({ chunks: 3, bytes: 1, damaged: [], repaired: 0 }).method }
    expect((await runCli(['verify'], { device, isDaemon: false })).steps).toContain('open')
    expect((await runCli(['verify', '--repair'], { device, isDaemon: false })).steps).toContain('open online')
  })
})

describe('devices remove', () => {
  const device = (name: string, id: string): DeviceInfo => ({
    ...{ id: id as DeviceInfo['id'], name, isSelf: false, spaces: [], links: [] },
  })
  const all = [device('attic', 'ABCDEFG-HIJKLMN'), device('attic', 'ABCDEFG-ZZZZZZZ'), device('bob', 'QRSTUVW-ABCDEFG')]

  it.each([
    ['bob', 'QRSTUVW-ABCDEFG'],
    ['qrs', 'QRSTUVW-ABCDEFG'],
    ['ABCDEFGH', 'ABCDEFG-HIJKLMN'],
    ['ABCDEFG-ZZZZZZZ', 'ABCDEFG-ZZZZZZZ'],
  ])('%s means %s', async (text, id) => {
    const { calls, method } = keeping([all[0]])
    await runCli(['devices', 'remove', text], { device: { devices: async () => all, removeDevice: method } })
    expect(calls).toEqual([[id, {}]])
  })

  it.each([
    ['attic', 2],
    ['ABC', 2],
    ['nobody', 4],
    ['', 4],
  ])('%j is refused with status %i', async (text, expected) => {
    const { status } = await runCli(['devices', 'remove', text], { device: { devices: async () => all } })
    expect(status).toBe(expected)
  })
})

describe('the rest', () => {
  it.each([
    [['devices', 'rename', 'new'], 'renameDevice', ['new'], '{"name":"new"}\n'],
    [['mv', 'a', 'b'], 'move', ['a', 'b', {}], '{"from":"a","to":"b"}\n'],
    [['rm', 'a', '--space', 's'], 'remove', ['a', { space: 's' }], '{"path":"a"}\n'],
  ] as const)('%j calls the device and answers with one document', async (args, name, given, document) => {
    const { calls, method } = keeping(undefined)
    const { stdout } = await runCli(['--json', ...args], { device: { [name]: method } })
    expect(calls).toEqual([given])
    expect(stdout).toBe(document)
  })

  it('spaces create passes on the chunker', async () => {
    const { calls, method } = keeping({ id: 's', name: 'disks' })
    const device = { createSpace: method }
    const { stdout } = await runCli(['spaces', 'create', 'disks', '--chunker', 'fixed'], { device })
    expect(calls).toEqual([['disks', { chunker: 'fixed' }]])
    expect(stdout).toBe('Created the space "disks" (s).\n')
  })

  it('spaces adopt says what it made, and ends with status 1 when something was left out', async () => {
    const space = { id: 's', name: 'mine', files: 2, bytes: 2048 }
    const skipped = [{ path: 'big', code: 'DITTO_CHUNK_MISSING', reason: 'its bytes are not all on this device' }]
    const { calls, method } = keeping({ space, skipped })
    const { status, stdout, stderr } = await runCli(['spaces', 'adopt', 'home', '--as', 'mine'], {
      device: { adoptSpace: method },
    })
    expect(calls).toEqual([['home', { as: 'mine' }]])
    expect(stdout).toBe('Created the space "mine" (s) with 2 files (2.00 KiB) of "home".\n')
    expect(stderr).toBe('dittofs: left out: big: its bytes are not all on this device\n')
    expect(status).toBe(1)
  })

  it('version needs no device', async () => {
    const { stdout, steps } = await runCli(['version', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string })
    expect(steps).toEqual([])
  })

  it.each(['bash', 'zsh', 'fish'])('completion %s names every command', async (shell) => {
    const { status, stdout } = await runCli(['completion', shell])
    expect(status).toBe(0)
    for (const word of ['daemon', 'devices', 'remove', 'missing', 'version']) expect(stdout).toContain(word)
  })
})

describe('doctor', () => {
  const examine = (level: 'ok' | 'warning' | 'problem') => async () => [
    { check: 'clock', level, text: 'It is as it is.' },
  ]

  it('prints what was found and ends with 1 only where there is a problem', async () => {
    const bad = await runCli(['doctor'], { access: { examine: examine('problem') } })
    expect(bad).toMatchObject({ status: 1, stdout: 'PROBLEM  clock  It is as it is.\n\n1 problem, 0 warnings.\n' })
    expect((await runCli(['doctor'], { access: { examine: examine('warning') } })).status).toBe(0)
    const json = await runCli(['doctor', '--json'], { access: { examine: examine('ok') } })
    expect(JSON.parse(json.stdout)).toEqual({ findings: await examine('ok')() })
  })

  it('stores and compares patterns only where that is asked for', async () => {
    const asked: (boolean | undefined)[] = []
    const access: Partial<DeviceAccess> = {
      examine: async (_home, { isIntegrityAsked }) => {
        asked.push(isIntegrityAsked)
        return []
      },
    }
    await runCli(['doctor'], { access })
    await runCli(['doctor', '--integrity'], { access })
    expect(asked).toEqual([false, true])
  })

  it.each([
    { code: 'DITTO_CHUNK_CORRUPT', status: 5 },
    { code: 'DITTO_PEER_UNREACHABLE', status: 3 },
    { code: undefined, status: 1 },
  ] as const)('ends with $status where a problem has the code $code', async ({ code, status }) => {
    const findings = [
      { check: 'peer integrity', level: 'problem' as const, text: 'So it is.', ...(code !== undefined && { code }) },
      { check: 'clock', level: 'problem' as const, text: 'It is late.' },
    ]
    const access: Partial<DeviceAccess> = { examine: async () => findings }
    expect((await runCli(['doctor', '--integrity'], { access })).status).toBe(status)
  })
})

import { DittoError, type FileVersion, type Versions } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { parseMoment } from '../src/parse/parse-moment.ts'
import { runCli } from './support/run-cli.ts'

const DEVICE = { id: 'ATTIC-ID' as never, name: 'attic' }
const VERSION: FileVersion = {
  id: 'w:7' as never,
  path: 'notes.txt',
  kind: 'file',
  seenAt: Date.UTC(2026, 0, 1),
  mtime: '1767225600000000000',
  size: 12,
  mode: 0o644,
  device: DEVICE,
  isCurrent: true,
  isDeleted: false,
  missingBytes: 0,
}

function withVersions(versions: Partial<Versions>) {
  return { device: { versions: versions as Versions } }
}

describe('history', () => {
  it('shows the versions of a path, and where it is looked for', async () => {
    const calls: unknown[] = []
    const { stdout } = await runCli(
      ['history', 'notes.txt'],
      withVersions({
        history: async (path, options) => {
          calls.push([path, options?.directory])
          return [VERSION, { ...VERSION, id: 'w:3' as never, isCurrent: false, missingBytes: 12 }]
        },
      }),
    )
    expect(calls).toEqual([['notes.txt', '/files']])
    expect(stdout).toBe(
      [
        'VERSION  SEEN       DEVICE  SIZE  PATH',
        'w:7      1 day ago  attic   12 B  notes.txt  current',
        'w:3      1 day ago  attic   12 B  notes.txt  12 B not on this device',
        '',
      ].join('\n'),
    )
  })

  it('shows without a path what was done lately', async () => {
    const { stdout } = await runCli(
      ['history'],
      withVersions({
        changes: async () => [
          {
            ...{ id: '1f', at: Date.UTC(2026, 0, 1), device: DEVICE, created: 0, edited: 1, moved: 0, deleted: 40 },
            paths: ['a', 'b', 'c', 'd'],
          },
        ],
      }),
    )
    expect(stdout.split('\n')[1]).toBe('1f  1 day ago  attic   1 edited, 40 deleted  a, b, c, and 38 others')
  })
})

describe('restore', () => {
  it('takes a version, a moment, or how long ago', async () => {
    const moments: unknown[] = []
    const options = withVersions({
      restore: async (path, given) => {
        moments.push(given?.at)
        return { path, version: 'w:3' as never, ...(given?.output === undefined ? {} : { output: given.output }) }
      },
    })
    for (const at of ['w:3', '2h', '2026-01-01 12:00']) await runCli(['restore', 'notes.txt', '--at', at], options)
    expect(moments).toEqual(['w:3', Date.UTC(2026, 0, 2) - 7_200_000, new Date('2026-01-01T12:00').getTime()])
    const written = await runCli(['restore', 'notes.txt', '-o', 'old.txt'], options)
    expect(written.stdout).toBe('Wrote version w:3 of notes.txt to /files/old.txt.\n')
  })

  it('brings back what was deleted, and needs a path otherwise', async () => {
    const restored = [{ path: 'photos', kind: 'directory' as const, deletedAt: 0, device: DEVICE }]
    const { stdout } = await runCli(
      ['restore', '--deleted'],
      withVersions({ restoreDeleted: async () => ({ restored, files: 40, missing: [] }) }),
    )
    expect(stdout).toBe('photos/\nBrought back 40 files.\n')
    expect((await runCli(['restore'], withVersions({}))).status).toBe(2)
    expect((await runCli(['restore', 'a', '--deleted', '--at', '2h'], withVersions({}))).status).toBe(2)
  })
})

describe('undo', () => {
  it('names what was left as it is, and ends with status 1 then', async () => {
    const { status, stdout, stderr } = await runCli(
      ['undo', '1f'],
      withVersions({
        undo: async () => ({ group: '1f', undone: 39, skipped: [{ path: 'a', reason: 'It was edited since.' }] }),
      }),
    )
    expect(status).toBe(1)
    expect(stdout).toBe('Took back 39 changes of 1f.\n')
    expect(stderr).toContain('left as it is: a: It was edited since.')
  })
})

describe('conflicts', () => {
  it('are listed without a subcommand', async () => {
    const version = { version: 'w:7' as never, device: DEVICE, mtime: VERSION.mtime, size: 12 }
    const { stdout } = await runCli(
      ['conflicts'],
      withVersions({
        conflicts: async () => [
          {
            path: 'notes.txt',
            versions: [
              { ...version, path: 'notes.txt', isOwn: true },
              { ...version, path: 'notes (conflict).txt', isOwn: false },
            ],
            hasBase: true,
          },
        ],
      }),
    )
    expect(stdout).toBe(
      [
        'notes.txt',
        '  this device, changed 1 day ago, 12 B: notes.txt',
        '  attic, changed 1 day ago, 12 B: notes (conflict).txt',
        '',
      ].join('\n'),
    )
  })

  it('take only ours, theirs or both', async () => {
    const calls: unknown[] = []
    const options = withVersions({
      takeConflict: async (path, choice) => {
        calls.push([path, choice])
      },
    })
    expect((await runCli(['conflicts', 'take', 'ours', 'notes.txt'], options)).status).toBe(0)
    expect((await runCli(['conflicts', 'take', 'mine', 'notes.txt'], options)).status).toBe(2)
    expect(calls).toEqual([['notes.txt', 'ours']])
  })

  it('say where they clash', async () => {
    const { status, stderr } = await runCli(
      ['conflicts', 'merge', 'notes.txt'],
      withVersions({
        mergeConflict: () => Promise.reject(new DittoError('DITTO_CONFLICT', 'The versions clash in line 3.')),
      }),
    )
    expect(status).toBe(1)
    expect(stderr).toBe('dittofs: The versions clash in line 3.\n')
  })
})

describe('a moment', () => {
  it('is a date, a date and time, or how long ago; anything else is none', () => {
    expect(parseMoment('2026-01-01', 0)).toBe(new Date('2026-01-01T00:00').getTime())
    expect(parseMoment('1.5h', 10_000_000)).toBe(10_000_000 - 5_400_000)
    for (const text of ['w:3', '2026-13-01', '2h30', '12']) expect(parseMoment(text, 0)).toBeUndefined()
  })
})

import type { DeviceStatus, Progress } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeText } from '../src/output/escape-text.ts'
import { formatBanner } from '../src/output/format-banner.ts'
import { formatBytes } from '../src/output/format-bytes.ts'
import { formatCount } from '../src/output/format-count.ts'
import { formatProgress } from '../src/output/format-progress.ts'
import { formatStatus } from '../src/output/format-status.ts'
import { formatTable } from '../src/output/format-table.ts'
import { formatClock, formatMoment } from '../src/output/format-time.ts'
import { ProgressLine } from '../src/output/progress-line.ts'
import { KeepingStream } from './support/run-cli.ts'

const NOW = Date.UTC(2026, 0, 2)

describe('escapeText', () => {
  it('leaves no control character, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).not.toMatch(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u)
      }),
    )
  })

  it('leaves ordinary names of any language as they are', () => {
    for (const name of ['Käse.txt', '写真 1.jpg', 'صورة', '👩‍👩‍👧.png', 'a\\b']) expect(escapeText(name)).toBe(name)
  })
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [10_240, '10.0 KiB'],
    [1_023_000, '999 KiB'],
    [1_048_575, '1.00 MiB'],
    [1_300_000_000, '1.21 GiB'],
    [2 ** 44, '16.0 TiB'],
  ])('shows %i as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('is never wider than the column of a list', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 44 }), (bytes) => formatBytes(bytes).length <= 8))
  })
})

it('formatCount sets thousands apart', () => {
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567'])
})

describe('times', () => {
  it.each([
    [NOW, 'now'],
    [NOW - 61_000, '1 minute ago'],
    [NOW - 7_300_000, '2 hours ago'],
    [NOW + 3_600_000, 'in 1 hour'],
    [NOW - 800 * 86_400_000, '2 years ago'],
  ])('a moment is told relative to now', (time, text) => {
    expect(formatMoment(time, NOW)).toBe(text)
  })

  it('what is left is told like a clock', () => {
    expect([0, 42_000, 725_000, 11_229_000].map(formatClock)).toEqual(['0:00', '0:42', '12:05', '3:07:09'])
  })
})

it('formatTable aligns columns and ends lines without blanks', () => {
  expect(
    formatTable(
      [
        ['a', '1', 'x'],
        ['longer', '100', ''],
      ],
      [1],
    ),
  ).toEqual(['a         1  x', 'longer  100'])
})

describe('progress', () => {
  const progress: Progress = { phase: 'fetch', filesDone: 2, filesTotal: 10, bytesDone: 2 ** 20, bytesTotal: 2 ** 22 }

  it('says how far, how fast and how long still', () => {
    expect(formatProgress({ ...progress, current: 'a\tb' }, 2 ** 20, 100)).toBe(
      'Fetching  25 %  2 of 10 files  1.00 MiB of 4.00 MiB  1.00 MiB/s  0:03 left  a\\u{9}b',
    )
  })

  it('fits the terminal', () => {
    expect(formatProgress(progress, 1, 20)).toHaveLength(19)
  })

  it('leaves out what is not known', () => {
    expect(formatProgress({ phase: 'scan', filesDone: 7, bytesDone: 0 }, undefined, 80)).toBe('Looking  7 files')
  })

  it('is drawn ten times a second at most, with a rate once there is one', () => {
    const terminal = new KeepingStream(true)
    let now = 0
    const line = new ProgressLine(terminal, () => now)
    for (; now < 2000; now += 10) line.update({ phase: 'fetch', filesDone: 0, bytesDone: now * 1024 })
    const drawn = terminal.text.split('\r').slice(1)
    expect(drawn.length).toBeLessThanOrEqual(20)
    expect(drawn.at(-1)).toMatch(/1000 KiB\/s|999 KiB\/s/)
    line.end()
    line.end()
    expect(terminal.text.endsWith('\r\u001b[K')).toBe(true)
  })
})

describe('status', () => {
  const status: DeviceStatus = {
    device: { id: 'ALICE-ID' as DeviceStatus['device']['id'], name: 'alice' },
    home: '/home/alice/.dittofs',
    version: '0.1.0',
    isDaemonRunning: true,
    spaces: [
      {
        ...{ id: 's' as never, name: 'home', role: 'full', chunker: 'fastcdc' },
        ...{ files: 1234, directories: 3, symlinks: 0, bytes: 5_000_000 },
        ...{ missingChunks: 2, missingBytes: 131_072, conflicts: 1, clashes: [['a', 'A']], members: 2 },
      },
    ],
    chunks: { count: 100, bytes: 4_000_000, packs: 1, packBytes: 4_100_000, placedBytes: 0, dedupRatio: 1.25 },
    peers: [
      {
        ...{
          id: 'BOB-ID' as never,
          name: 'bob\u0007',
          link: 'tcp',
          remote: 'tcp://192.0.2.7:4100',
          standby: ['webrtc'],
        },
        ...{ isUpToDate: false, missingBytes: 131_072 },
      },
      { id: 'CAROL-ID' as never, name: 'carol', isUpToDate: true, missingBytes: 0, lastSeen: NOW - 3_600_000 },
    ],
    links: [
      { name: 'tcp', isUp: true, addresses: ['tcp://192.0.2.1:4100'] },
      { name: 'mdns', isUp: false, reason: 'It is switched off.' },
    ],
    notices: ['A ticket was used by carol.'],
  }

  it('shows everything on one screen', () => {
    expect(formatStatus(status, NOW).join('\n')).toMatchInlineSnapshot(`
      "Device   alice  ALICE-ID
      Home     /home/alice/.dittofs  (a daemon runs)
      Version  0.1.0
      Stored   100 chunks, 3.81 MiB, in 1 pack of 3.91 MiB; deduplication 1.25x

      Spaces
        home  1,234 files, 4.77 MiB  128 KiB in 2 chunks missing, 1 conflict, 1 name clash  2 members

      Peers
        bob\\u{7}  BOB-ID    tcp tcp://192.0.2.7:4100 (webrtc standing by)  128 KiB to fetch
        carol     CAROL-ID  not connected, seen 1 hour ago                 up to date

      Links
        tcp   up   tcp://192.0.2.1:4100
        mdns  off  It is switched off.

      Notices
        A ticket was used by carol."
    `)
  })

  it('of a new daemon says what to type next', () => {
    const alone = { ...status, spaces: status.spaces.map((space) => ({ ...space, members: 1 })) }
    expect(formatBanner(alone).join('\n')).toMatchInlineSnapshot(`
      "DittoFS 0.1.0 runs.

        device  alice  ALICE-ID
        home    /home/alice/.dittofs
        tcp     tcp://192.0.2.1:4100
        mdns    off: It is switched off.

      Next, in another terminal:
        dittofs invite        and at the other device: dittofs join TICKET
        dittofs add PATH      shares a file or a directory
      Ctrl-C stops it."
    `)
  })
})

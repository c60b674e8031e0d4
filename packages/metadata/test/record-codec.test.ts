import { chunkId, deviceKey } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentKey, packContent, packedMtimeNs, unpackContent } from '../src/content-codec.ts'
import { nodeIdFromBytes, ROOT_ID } from '../src/node-id.ts'
import type { LogRecord } from '../src/record.ts'
import { decodeRecord, encodeRecord } from '../src/record-codec.ts'
import { anyRecord, contentOf } from './arbitraries.ts'
import { IS_LONG_RUN } from './long-run.ts'

const FILE = nodeIdFromBytes('file', Buffer.from('f0f1f2f3f4f5f6f7f8f9fafb', 'hex'))
const DIRECTORY = nodeIdFromBytes('directory', Buffer.from('d0d1d2d3d4d5d6d7d8d9dadb', 'hex'))
const LINK = nodeIdFromBytes('symlink', Buffer.from('a0a1a2a3a4a5a6a7a8a9aaab', 'hex'))

/** Records with the bytes they are, field by field. What these bytes mean can never change. */
const VECTORS: readonly (readonly [name: string, record: LogRecord, hex: string])[] = [
  [
    'a writer',
    { type: 'writer', device: deviceKey.parse('11'.repeat(32)), signature: new Uint8Array(64).fill(0x22) },
    [
      '01', // format
      '00', // type: writer
      '11'.repeat(32), // the device's public key
      '22'.repeat(64), // its signature over space and writer
    ].join(''),
  ],
  [
    'a new file with one inline chunk',
    {
      type: 'state',
      node: FILE,
      placement: { t: 300, parent: DIRECTORY, name: 'é.txt' },
      version: {
        t: 300,
        vector: new Map([
          [5, 299],
          [2 ** 53 - 1, 7],
        ]),
        size: 1000,
        content: packContent({
          kind: 'file',
          file: {
            size: 1000,
            mtimeNs: 1_700_000_000_000_000_001n,
            mode: 0o644,
            content: { kind: 'inline', chunks: [{ id: chunkId.parse('cc'.repeat(32)), length: 1000 }] },
          },
        }),
      },
    },
    [
      '01', // format
      '01', // type: state
      '00f0f1f2f3f4f5f6f7f8f9fafb', // kind file, node ID
      '05', // parts: placement (1) + version (4)
      'ac02', // placement: t = 300
      '01d0d1d2d3d4d5d6d7d8d9dadb', // in a directory (0 would be the root), its ID
      '06c3a92e747874', // name: 6 bytes, "é.txt"
      'ac02', // version: t = 300
      '02', // vector of two writers, ascending
      '05ab02', // writer 5 up to t = 299
      'ffffffffffffff0f07', // writer 2^53-1 up to t = 7
      '17979cfe362a0001', // mtime in ns, signed, big-endian
      '01a4', // mode 0644, big-endian
      'e807', // size 1000
      '00', // content: inline
      '01', // one chunk
      'cc'.repeat(32), // its BLAKE3 hash
      'e807', // its length
    ].join(''),
  ],
  [
    'a moved directory',
    {
      type: 'state',
      node: DIRECTORY,
      placement: { t: 2, parent: ROOT_ID, name: 'b', from: { parent: ROOT_ID, name: 'a' } },
      version: {
        t: 1,
        vector: new Map(),
        size: 0,
        content: packContent({ kind: 'directory', directory: { mode: 0o755, mtimeNs: -1n } }),
      },
    },
    [
      '0101', // format, type: state
      '01d0d1d2d3d4d5d6d7d8d9dadb', // kind directory, node ID
      '07', // parts: placement (1) + from (2) + version (4)
      '02', // placement: t = 2
      '00', // in the root
      '0162', // "b"
      '00', // from the root
      '0161', // "a"
      '01', // version: t = 1
      '00', // no vector
      'ffffffffffffffff', // 1 ns before 1970
      '01ed', // mode 0755
    ].join(''),
  ],
  [
    'a symlink’s new target',
    {
      type: 'state',
      node: LINK,
      version: {
        t: 9,
        vector: new Map([[3, 8]]),
        size: 0,
        content: packContent({ kind: 'symlink', symlink: { target: '../x', mtimeNs: 0n } }),
      },
    },
    [
      '0101', // format, type: state
      '02a0a1a2a3a4a5a6a7a8a9aaab', // kind symlink, node ID
      '04', // parts: version
      '09', // t = 9
      '010308', // vector: writer 3 up to t = 8
      '0000000000000000', // mtime
      '042e2e2f78', // target: 4 bytes
    ].join(''),
  ],
  [
    'a large file',
    {
      type: 'state',
      node: FILE,
      version: {
        t: 1,
        vector: new Map(),
        size: 2 ** 30,
        content: packContent({
          kind: 'file',
          file: {
            size: 2 ** 30,
            mtimeNs: 0n,
            mode: 0,
            content: { kind: 'manifest', root: chunkId.parse('dd'.repeat(32)), depth: 2, chunkCount: 16_384 },
          },
        }),
      },
    },
    [
      '010100f0f1f2f3f4f5f6f7f8f9fafb0401', // format, type, node, parts: version, t = 1
      '00', // no vector
      '0000000000000000', // mtime
      '0000', // mode
      '8080808004', // size 2^30
      '01', // content: manifest
      'dd'.repeat(32), // its root
      '02', // depth
      '808001', // 16,384 chunks
    ].join(''),
  ],
  [
    'a deletion',
    { type: 'delete', node: DIRECTORY, t: 70, cut: new Map([[1, 69]]) },
    [
      '0102', // format, type: delete
      '01d0d1d2d3d4d5d6d7d8d9dadb', // kind directory, node ID
      '46', // t = 70
      '010145', // cut: writer 1 up to t = 69
    ].join(''),
  ],
]

describe('a record', () => {
  it.each(VECTORS)('of %s is the bytes it has always been', (_name, record, hex) => {
    expect(Buffer.from(encodeRecord(record), 'base64').toString('hex')).toBe(hex)
    expect(decodeRecord(Buffer.from(hex, 'hex').toString('base64'))).toEqual(record)
  })

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record)
      }),
    )
  })

  it('has one form only: what is read is written the same, and anything else is no record', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.nat(255), (record, at, value) => {
        const bytes = Buffer.from(encodeRecord(record), 'base64')
        bytes[at % bytes.length] = value
        const entry = bytes.toString('base64')
        const read = decodeRecord(entry)
        if (read !== undefined) expect(encodeRecord(read)).toBe(entry)
      }),
      { numRuns: IS_LONG_RUN ? 3000 : 1000 },
    )
  })

  it('is not read from anything cut short, longer, or not base64', () => {
    for (const [, record] of VECTORS) {
      const bytes = Buffer.from(encodeRecord(record), 'base64')
      for (let length = 0; length < bytes.length; length += 1) {
        expect(decodeRecord(bytes.subarray(0, length).toString('base64'))).toBeUndefined()
      }
      expect(decodeRecord(Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64'))).toBeUndefined()
      expect(decodeRecord(` ${encodeRecord(record)}`)).toBeUndefined()
    }
    fc.assert(fc.property(fc.string(), (text) => decodeRecord(text) === undefined))
  })
})

describe('a packed content', () => {
  it('comes back as it was packed, with its time and a key that leaves time and mode out', () => {
    fc.assert(
      fc.property(
        fc.oneof(contentOf('file'), contentOf('symlink')),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        (content, later) => {
          const packed = packContent(content)
          expect(unpackContent(content.kind, packed)).toEqual(content)
          const touched =
            content.kind === 'file'
              ? { ...content, file: { ...content.file, mtimeNs: later, mode: 0 } }
              : content.kind === 'symlink'
                ? { ...content, symlink: { ...content.symlink, mtimeNs: later } }
                : content
          expect(packedMtimeNs(packContent(touched))).toBe(later)
          expect(contentKey(content.kind, packContent(touched))).toBe(contentKey(content.kind, packed))
        },
      ),
    )
  })

  it('is refused where nobody would read it', () => {
    const file = { size: 1, mtimeNs: 0n, mode: 0o644, content: { kind: 'inline', chunks: [] } } as const
    expect(() => packContent({ kind: 'file', file })).toThrow(RangeError)
    expect(() => packContent({ kind: 'file', file: { ...file, size: 0, mode: 0o1000 } })).toThrow(RangeError)
    expect(() => packContent({ kind: 'symlink', symlink: { target: '', mtimeNs: 0n } })).toThrow(RangeError)
  })
})

import { connect } from 'node:net'
import type { Volume, VolumeAttributes, VolumeHandle } from '@dittofs/interface'
import { expect, it, onTestFinished } from 'vitest'
import { nfsGateway } from '../src/index.ts'

/*
 * Messages as RFC 5531, RFC 1813 and RFC 4506 lay them out, written by hand: what goes over the wire, byte by byte, with
 * nothing of this package's own encoder or decoder in between.
 */

/** Hex with a comment behind `#` on every line. */
const hex = (text: string): string => text.replace(/#.*/g, '').replace(/\s/g, '')

const FILE: VolumeAttributes = {
  kind: 'file',
  mode: 0o640,
  size: 5_000_000_000,
  heldBytes: 4096,
  mtimeNs: 1_700_000_000_000_000_001n,
  ctimeNs: 1_700_000_002_000_000_003n,
  fileId: 0x1122334455667788n,
  changeTag: 'x',
  contentTag: 'x',
}
const ROOT = 'r' as VolumeHandle
const CHILD = 'c-1' as VolumeHandle

/** Knows one file, five bytes of it, and its directory. */
const volume = {
  root: ROOT,
  isReadOnly: false,
  writeVerifier: Buffer.from('0102030405060708', 'hex'),
  attributes: async (handle: VolumeHandle) => (handle === CHILD ? FILE : { ...FILE, kind: 'directory', size: 0 }),
  lookup: async () => ({ handle: CHILD, attributes: FILE }),
  read: async () => ({ bytes: Buffer.from('hello'), isEnd: true }),
  commit: async () => FILE,
  write: async () => ({ ...FILE, ctimeNs: 1_700_000_003_000_000_000n }),
} as unknown as Volume

/** The answer to `request`, as a record. */
async function ask(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (data: Buffer) => {
      pieces.push(data)
      const all = Buffer.concat(pieces)
      if (all.length >= 4 && all.length >= 4 + (all.readUInt32BE() & 0x7fff_ffff)) {
        socket.end()
        resolve(all.toString('hex'))
      }
    })
    socket.write(Buffer.from(request, 'hex'))
  })
}

async function servedPort(): Promise<number> {
  const exports = [{ name: 'space', volume, isReadOnly: false }]
  const gateway = nfsGateway({ exports, port: 0, owner: { uid: 501, gid: 20 } })
  onTestFinished(() => gateway.stop())
  return (await gateway.serve()).port
}

/** SHA-256 of "space" begins with these eight bytes. */
const EXPORT_ID = '3f49dbbfe051cb20'
const ROOT_HANDLE = `0000000a 01 ${EXPORT_ID} 72 0000`
const CHILD_HANDLE = `0000000c 01 ${EXPORT_ID} 632d31`

const call = (program: string, procedure: string): string => `
  00000099                    # xid
  00000000                    # CALL
  00000002                    # RPC version 2
  ${program}                  # program
  00000003                    # version 3
  ${procedure}                # procedure
  00000000 00000000           # credential: AUTH_NONE, no bytes
  00000000 00000000           # verifier: AUTH_NONE, no bytes
`

const ACCEPTED = `
  00000099                    # xid
  00000001                    # REPLY
  00000000                    # MSG_ACCEPTED
  00000000 00000000           # verifier: AUTH_NONE, no bytes
  00000000                    # SUCCESS
`

const attributes = (type: string, size: string, ctime: string): string => `
  ${type}                     # ftype3
  000001a0                    # mode 0640
  00000001                    # nlink
  000001f5                    # uid 501
  00000014                    # gid 20
  ${size}                     # size
  0000000000001000            # used: 4096
  00000000 00000000           # rdev
  ${EXPORT_ID}                # fsid
  1122334455667788            # fileid
  6553f100 00000001           # atime
  6553f100 00000001           # mtime
  ${ctime}                    # ctime
`
const FILE_ATTRIBUTES = attributes('00000001', '000000012a05f200', '6553f102 00000003')

const record = (body: string): string => {
  const bytes = hex(body)
  return (0x8000_0000 + bytes.length / 2).toString(16) + bytes
}

it.each([
  {
    name: 'MNT gives the handle of an export, and the flavors it takes',
    request: `${call('000186a5', '00000001')}
      00000006 2f73706163650000 # "/space"`,
    reply: `${ACCEPTED}
      00000000                  # MNT3_OK
      ${ROOT_HANDLE}            # fhandle3
      00000002 00000001 00000000 # two flavors: AUTH_SYS, AUTH_NONE`,
  },
  {
    name: 'GETATTR gives fattr3',
    request: `${call('000186a3', '00000001')} ${CHILD_HANDLE}`,
    reply: `${ACCEPTED}
      00000000                  # NFS3_OK
      ${FILE_ATTRIBUTES}`,
  },
  {
    name: 'GETATTR refuses a handle of another form',
    request: `${call('000186a3', '00000001')} 00000004 deadbeef`,
    reply: `${ACCEPTED}
      00002711                  # NFS3ERR_BADHANDLE`,
  },
  {
    name: 'LOOKUP gives the handle and the attributes of both',
    request: `${call('000186a3', '00000003')} ${ROOT_HANDLE}
      00000005 612e747874000000 # "a.txt"`,
    reply: `${ACCEPTED}
      00000000                  # NFS3_OK
      ${CHILD_HANDLE}           # nfs_fh3
      00000001 ${FILE_ATTRIBUTES}
      00000001 ${attributes('00000002', '0000000000000000', '6553f102 00000003')}`,
  },
  {
    name: 'READ gives count, eof and the bytes, padded',
    request: `${call('000186a3', '00000006')} ${CHILD_HANDLE}
      0000000000000000          # offset
      00001000                  # count`,
    reply: `${ACCEPTED}
      00000000                  # NFS3_OK
      00000001 ${FILE_ATTRIBUTES}
      00000005                  # count
      00000001                  # eof
      00000005 68656c6c6f 000000 # "hello"`,
  },
  {
    name: 'WRITE gives the attributes before and after, how stable it is, and the verifier',
    request: `${call('000186a3', '00000007')} ${CHILD_HANDLE}
      0000000000000002          # offset
      00000003                  # count
      00000000                  # UNSTABLE
      00000003 61626300         # "abc"`,
    reply: `${ACCEPTED}
      00000000                  # NFS3_OK
      00000001                  # pre_op_attr follows
      000000012a05f200          # size
      6553f100 00000001         # mtime
      6553f102 00000003         # ctime
      00000001 ${attributes('00000001', '000000012a05f200', '6553f103 00000000')}
      00000003                  # count
      00000000                  # UNSTABLE
      0102030405060708          # writeverf3`,
  },
  {
    name: 'LINK is not supported',
    request: `${call('000186a3', '0000000f')} ${CHILD_HANDLE} ${ROOT_HANDLE} 00000001 62000000`,
    reply: `${ACCEPTED}
      00002714                  # NFS3ERR_NOTSUPP
      00000001 ${FILE_ATTRIBUTES}
      00000000                  # no pre_op_attr
      00000000                  # no post_op_attr`,
  },
])('$name', async ({ request, reply }) => {
  expect(await ask(await servedPort(), record(request))).toBe(record(reply))
})

import { systemClock } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DuplicateCache } from '../src/rpc/duplicate-cache.ts'
import { RpcDispatcher } from '../src/rpc/rpc-dispatcher.ts'
import { NULL_PROCEDURE, type RpcProgram } from '../src/rpc/rpc-program.ts'
import { type CallOptions, callRecord, sysCredential, type WriteArguments } from './rpc-client.ts'

const PEER = { address: '127.0.0.1', signal: new AbortController().signal }
const PROGRAM = 300_000
let runs = 0
const PROGRAMS: RpcProgram[] = [
  {
    program: PROGRAM,
    version: 4,
    procedures: [
      NULL_PROCEDURE,
      { name: 'DOUBLE', isIdempotent: true, run: ({ args, reply }) => reply.uint32(args.uint32() * 2) },
      {
        name: 'COUNT',
        isIdempotent: false,
        async run({ args, reply }) {
          args.string(100)
          runs += 1
          reply.uint32(runs)
        },
      },
      undefined,
      {
        name: 'BREAK',
        isIdempotent: true,
        run() {
          throw new Error('no')
        },
      },
    ],
  },
  { program: PROGRAM, version: 6, procedures: [NULL_PROCEDURE] },
]

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')
const dispatcher = (): RpcDispatcher =>
  new RpcDispatcher({ programs: PROGRAMS, duplicates: new DuplicateCache(systemClock), logger: undefined })

async function answer(record: Buffer, to = dispatcher(), peer = PEER): Promise<string | undefined> {
  const call = to.prepare(record, peer)
  return call && Buffer.concat(await call.run()).toString('hex')
}

const call = (procedure: number, write?: WriteArguments, options?: CallOptions, version = 4): Buffer =>
  callRecord({ program: PROGRAM, version, procedure }, write, { xid: 0x0a0b0c0d, ...options }).subarray(4)

/** A reply as a record: its mark, xid, REPLY. */
const reply = (rest: string): string => {
  const body = `0a0b0c0d 00000001 ${rest}`.replace(/\s/g, '')
  return (0x8000_0000 + body.length / 2).toString(16) + body
}

describe('answers to calls, as RFC 5531 section 9 writes them', () => {
  it('answers a call that it is sent byte by byte', async () => {
    const record = hex(
      `
      0a0b0c0d  xid
      00000000  CALL
      00000002  RPC version
      000493e0  program 300000
      00000004  version
      00000001  procedure
      00000000 00000000  credential: AUTH_NONE
      00000000 00000000  verifier: AUTH_NONE
      00000015`.replace(/ {2}[A-Za-z].*/g, ''),
    )
    // MSG_ACCEPTED, a verifier of AUTH_NONE, SUCCESS, the result.
    expect(await answer(record)).toBe(reply('00000000 0000000000000000 00000000 0000002a'))
  })

  it('takes a well formed AUTH_SYS credential', async () => {
    expect(await answer(call(0, undefined, { credential: sysCredential(16) }))).toBe(
      reply('00000000 0000000000000000 00000000'),
    )
  })

  it('refuses another version of RPC: MSG_DENIED, RPC_MISMATCH, 2 to 2', async () => {
    expect(await answer(call(0, undefined, { rpcVersion: 3 }))).toBe(reply('00000001 00000000 00000002 00000002'))
  })

  it('refuses credentials that are malformed or of another kind: AUTH_ERROR, AUTH_BADCRED', async () => {
    const refused = reply('00000001 00000001 00000001')
    for (const credential of [
      Buffer.alloc(0),
      sysCredential(17),
      sysCredential().subarray(0, 12),
      Buffer.alloc(400, 255),
    ]) {
      expect(await answer(call(0, undefined, { credential }))).toBe(refused)
    }
    expect(await answer(call(0, undefined, { flavor: 6 }))).toBe(refused)
    expect(await answer(call(0, undefined, { flavor: 0, credential: Buffer.alloc(404) }))).toBe(refused)
  })

  it('refuses a verifier that is none: AUTH_ERROR, AUTH_BADVERF', async () => {
    expect(await answer(call(0, undefined, { verifierFlavor: 1 }))).toBe(reply('00000001 00000001 00000003'))
  })

  it('names what is not there: PROG_UNAVAIL, PROG_MISMATCH with the versions, PROC_UNAVAIL', async () => {
    const other = callRecord({ program: 1, version: 4, procedure: 0 }, undefined, { xid: 0x0a0b0c0d }).subarray(4)
    expect(await answer(other)).toBe(reply('00000000 0000000000000000 00000001'))
    expect(await answer(call(0, undefined, {}, 5))).toBe(reply('00000000 0000000000000000 00000002 00000004 00000006'))
    for (const procedure of [3, 5, 0xffff_ffff]) {
      expect(await answer(call(procedure))).toBe(reply('00000000 0000000000000000 00000003'))
    }
  })

  it('calls arguments that cannot be read garbage: GARBAGE_ARGS', async () => {
    const garbage = reply('00000000 0000000000000000 00000004')
    expect(await answer(call(1))).toBe(garbage)
    expect(await answer(call(2, (args) => args.uint32(0xffff_ffff)))).toBe(garbage)
  })

  it('says SYSTEM_ERR where a procedure fails, and nothing of why', async () => {
    expect(await answer(call(4))).toBe(reply('00000000 0000000000000000 00000005'))
  })

  it('has no answer to what is no call', async () => {
    expect(await answer(hex('0a0b0c0d 00000001 00000000'))).toBeUndefined()
    expect(await answer(hex('0a0b0c'))).toBeUndefined()
  })

  it('answers or ends the connection for any bytes, and never throws', async () => {
    const to = dispatcher()
    const head = fc.constantFrom(hex(''), hex('00000001 00000000'), call(0).subarray(0, 24), call(2).subarray(0, 60))
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 120 }), async (start, rest) => {
        const prepared = to.prepare(Buffer.concat([start, rest]), PEER)
        if (prepared !== undefined) expect((await prepared.run())[0]!.length).toBeGreaterThanOrEqual(24)
      }),
    )
  })
})

describe('calls that come twice', () => {
  const count = (name: string, xid = 77): Buffer => call(2, (args) => args.string(name), { xid })

  it('are done once, and answered the same', async () => {
    const to = dispatcher()
    const first = await answer(count('a'), to)
    expect(await answer(count('a'), to)).toBe(first)
  })

  it('are done twice where address, xid or content differ', async () => {
    const to = dispatcher()
    const answers = [
      await answer(count('a'), to),
      await answer(count('b'), to),
      await answer(count('a', 78), to),
      await answer(count('a'), to, { ...PEER, address: '127.0.0.2' }),
    ]
    expect(new Set(answers).size).toBe(4)
  })

  it('wait for the first while it runs', async () => {
    const to = dispatcher()
    const [first, second] = await Promise.all([answer(count('a'), to), answer(count('a'), to)])
    expect(second).toBe(first)
  })
})

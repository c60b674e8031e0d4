import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { probeIceServer } from '../src/probe-ice-server.ts'

const LOCALHOST = '127.0.0.1'
const BINDING_SUCCESS = 0x0101
const ALLOCATE_ERROR = 0x0113

/** What a server says to a request, as a message of the type. */
function answer(request: Buffer, type: number): Buffer {
  const header = Buffer.from(request.subarray(0, 20))
  header.writeUInt16BE(type)
  header.writeUInt16BE(0, 2)
  return header
}

async function udpServer(reply: (request: Buffer) => Buffer | undefined): Promise<number> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (request, from) => {
    const bytes = reply(request)
    if (bytes !== undefined) socket.send(bytes, from.port, from.address)
  })
  socket.bind(0, LOCALHOST)
  await once(socket, 'listening')
  return socket.address().port
}

async function tcpServer(reply: (request: Buffer) => readonly Buffer[]): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (request: Buffer) => {
      for (const bytes of reply(request)) socket.write(bytes)
    })
  })
  onTestFinished(() => void server.close())
  server.listen(0, LOCALHOST)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function probe(kind: 'stun' | 'turn', transport: 'udp' | 'tcp' | 'tls', port: number): Promise<boolean> {
  const { signal } = new AbortController()
  return probeIceServer({ kind, transport, host: LOCALHOST, port }, { signal })
}

/** Of a probe that goes unanswered: it ends when nobody waits for it any more. */
async function isSilent(transport: 'udp' | 'tcp' | 'tls', port: number, asked: Promise<void>): Promise<boolean> {
  const over = new AbortController()
  const probing = probeIceServer({ kind: 'turn', transport, host: LOCALHOST, port }, { signal: over.signal })
  await asked
  over.abort()
  return !(await probing)
}

describe('probeIceServer', () => {
  it('asks a STUN server for a binding', async () => {
    const port = await udpServer((request) =>
      request.readUInt16BE() === 1 ? answer(request, BINDING_SUCCESS) : undefined,
    )
    expect(await probe('stun', 'udp', port)).toBe(true)
  })

  it('takes for an answer that a TURN server refuses an allocation to a stranger, over UDP and over TCP', async () => {
    const refuse = (request: Buffer) => answer(request, ALLOCATE_ERROR)
    expect(await probe('turn', 'udp', await udpServer(refuse))).toBe(true)
    expect(await probe('turn', 'tcp', await tcpServer((request) => [refuse(request)]))).toBe(true)
  })

  it('puts together an answer that comes in pieces', async () => {
    const port = await tcpServer((request) => {
      const whole = answer(request, ALLOCATE_ERROR)
      return [whole.subarray(0, 7), whole.subarray(7)]
    })
    expect(await probe('turn', 'tcp', port)).toBe(true)
  })

  it('does not take anything else that comes for an answer', async () => {
    let tell!: () => void
    const asked = new Promise<void>((resolve) => {
      tell = resolve
    })
    const port = await udpServer((request) => {
      tell()
      return answer(Buffer.alloc(request.length, 7), ALLOCATE_ERROR)
    })
    expect(await isSilent('udp', port, asked)).toBe(true)
    expect(await probe('turn', 'tcp', await tcpServer(() => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]))).toBe(
      false,
    )
  })

  it('gives up on a server that is not there, that does not speak TLS, and when it is told to', async () => {
    const server = createServer().listen(0, LOCALHOST)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    expect(await probe('turn', 'tcp', port)).toBe(false)
    expect(await probe('turn', 'tls', await tcpServer(() => [Buffer.from('no TLS')]))).toBe(false)
    let tell!: () => void
    const asked = new Promise<void>((resolve) => {
      tell = resolve
    })
    const silent = await tcpServer(() => {
      tell()
      return []
    })
    expect(await isSilent('tcp', silent, asked)).toBe(true)
    const over = AbortSignal.abort()
    expect(await probeIceServer({ kind: 'stun', transport: 'udp', host: LOCALHOST, port: 1 }, { signal: over })).toBe(
      false,
    )
  })
})

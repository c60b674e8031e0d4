import { Agent, type IncomingMessage, request } from 'node:http'
import type { GatewaySide, GatewayWork, WorkSize } from './gateway-side.ts'
import { inWindow, SMALL_BYTES, SMALL_WINDOW, scattered, TRANSFER_BYTES } from './gateway-side.ts'

const PROPFIND_BODY =
  '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>'

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: Buffer | AsyncIterable<Buffer>
}

/** Requests over connections that are kept. What comes back is counted and, where `keep` says so, kept. */
class WebdavBenchClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SMALL_WINDOW })
  readonly #base: URL

  constructor(base: string) {
    this.#base = new URL(base)
  }

  async ask({ method, path, headers = {}, body }: Asked, keep = false): Promise<{ bytes: number; text: string }> {
    const { hostname, port, pathname } = this.#base
    const asked = request({
      ...{ agent: this.#agent, hostname, port, method },
      path: pathname + path,
      headers: body instanceof Buffer ? { ...headers, 'Content-Length': body.length } : headers,
    })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve)
      asked.once('error', reject)
    })
    if (body === undefined || body instanceof Buffer) asked.end(body)
    else {
      for await (const piece of body) {
        if (!asked.write(piece)) await new Promise((resolve) => asked.once('drain', resolve))
      }
      asked.end()
    }
    const answer = await answered
    if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}`)
    return new Promise((resolve, reject) => {
      let bytes = 0
      let text = ''
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (keep) text += piece.toString('latin1')
      })
      answer.once('end', () => resolve({ bytes, text }))
      answer.once('error', reject)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

interface WebdavWork extends WorkSize {
  readonly client: WebdavBenchClient
}

/** A WebDAV server on loopback. @param url - of a collection that is there and empty, with a slash at its end */
export async function webdavSide(url: string): Promise<GatewaySide> {
  const client = new WebdavBenchClient(url)
  for (const path of ['tree/', 'small/']) await client.ask({ method: 'MKCOL', path })
  return {
    run: (work, size) => WORKS[work]({ client, ...size }),
    close: async () => client.close(),
  }
}

const place = (index: number): string => `tree/file${index}`

const WORKS: Readonly<Record<GatewayWork, (work: WebdavWork) => Promise<number>>> = {
  write: ({ client, bytes }) => {
    const pieces = (async function* () {
      const content = Buffer.alloc(TRANSFER_BYTES, 7)
      for (let at = 0; at < bytes; at += TRANSFER_BYTES) {
        // No two alike: what is there already need not be stored.
        content.writeUInt32BE(at / TRANSFER_BYTES, 0)
        yield Buffer.from(content)
      }
    })()
    const put = { method: 'PUT', path: 'large', headers: { 'Content-Length': bytes }, body: pieces }
    return inWindow(1, 1, () => client.ask(put))
  },
  read: ({ client, bytes }) =>
    inWindow(1, 1, async () => {
      const { bytes: got } = await client.ask({ method: 'GET', path: 'large' })
      if (got !== bytes) throw new Error(`a GET brought ${got} bytes of ${bytes}`)
    }),
  // WebDAV writes files whole: each is a new one.
  smallWrite: ({ client, operations }) => {
    const content = Buffer.alloc(SMALL_BYTES, 9)
    return inWindow(operations, SMALL_WINDOW, (i) => {
      const body = Buffer.from(content)
      body.writeUInt32BE(i, 0)
      return client.ask({ method: 'PUT', path: `small/file${i}`, body })
    })
  },
  smallRead: ({ client, bytes, operations }) =>
    inWindow(operations, SMALL_WINDOW, (i) => {
      const start = scattered(i, bytes)
      return client.ask({
        method: 'GET',
        path: 'large',
        headers: { Range: `bytes=${start}-${start + SMALL_BYTES - 1}` },
      })
    }),
  create: ({ client, operations }) =>
    inWindow(operations, SMALL_WINDOW, (i) => client.ask({ method: 'PUT', path: place(i), body: Buffer.alloc(0) })),
  stat: ({ client, operations }) =>
    inWindow(operations, SMALL_WINDOW, (i) =>
      client.ask({ method: 'PROPFIND', path: place(i), headers: { Depth: '0' }, body: Buffer.from(PROPFIND_BODY) }),
    ),
  list: ({ client, operations }) =>
    inWindow(1, 1, async () => {
      const headers = { Depth: '1' }
      const asked = { method: 'PROPFIND', path: 'tree/', headers, body: Buffer.from(PROPFIND_BODY) }
      const { text } = await client.ask(asked, true)
      const entries = text.split('</D:response>').length - 2
      if (entries !== operations) throw new Error(`a PROPFIND listed ${entries} entries of ${operations}`)
    }),
  remove: ({ client, operations }) =>
    inWindow(operations, SMALL_WINDOW, (i) => client.ask({ method: 'DELETE', path: place(i) })),
}

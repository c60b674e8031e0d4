import http from 'node:http'
import type { Gateway, Volume } from '@dittofs/interface'
import { type MemoryVolume, memoryVolume, temporaryDirectory } from '@dittofs/testing'
import { onTestFinished } from 'vitest'
import { type WebdavGatewayInit, webdavGateway } from '../../src/index.ts'

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

interface SendOptions {
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: string | Buffer
}

export interface Served<V extends Volume = Volume> {
  readonly gateway: Gateway
  readonly volume: V
  readonly port: number
  /** Sends one request; `target` is what stands in the request line. */
  readonly send: (method: string, target: string, options?: SendOptions) => Promise<Answer>
}

/** A gateway over one volume, `/space/`, open to this machine; stopped when the test ends. */
export async function serve(
  init: Partial<WebdavGatewayInit> & { volume?: MemoryVolume } = {},
): Promise<Served<MemoryVolume>> {
  const { volume = memoryVolume(), ...rest } = init
  const gateway = webdavGateway({
    exports: [{ name: 'space', volume, isReadOnly: false }],
    isLoopbackOpen: true,
    spoolDirectory: await temporaryDirectory(),
    ...rest,
  })
  const { port } = await gateway.serve()
  onTestFinished(() => gateway.stop())
  return { gateway, volume, port, send: (method, target, options) => send(port, method, target, options) }
}

export function send(port: number, method: string, target: string, options: SendOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { headers = {}, body } = options
    const request = http.request(
      { host: '127.0.0.1', port, method, path: target, headers, agent: false },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(pieces)
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes, text: bytes.toString() })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** The content of a file of a volume. */
export async function contentOf(volume: Volume, ...names: string[]): Promise<string> {
  let entry = { handle: volume.root, attributes: await volume.attributes(volume.root) }
  for (const name of names) entry = await volume.lookup(entry.handle, name)
  const { bytes } = await volume.read(entry.handle, { offset: 0, length: 1024 * 1024 })
  return Buffer.from(bytes).toString()
}

/** The names in the root of a volume. */
export async function namesIn(volume: Volume, ...path: string[]): Promise<string[]> {
  let handle = volume.root
  for (const name of path) handle = (await volume.lookup(handle, name)).handle
  const { entries } = await volume.readDirectory(handle, { after: 0n, limit: 4096 })
  return entries.map(({ name }) => name).sort()
}

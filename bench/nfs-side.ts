import type { GatewaySide, GatewayWork, WorkSize } from './gateway-side.ts'
import { LARGE_WINDOW, SMALL_BYTES, SMALL_WINDOW, scattered, TRANSFER_BYTES } from './gateway-side.ts'
import { NFS_PROCEDURES, NfsBenchClient, offsetWords, words } from './nfs-client.ts'

const UNSTABLE = 0
const { LOOKUP, READ, WRITE, CREATE, REMOVE, COMMIT } = NFS_PROCEDURES

interface NfsWork extends WorkSize {
  readonly client: NfsBenchClient
  readonly root: Buffer
  readonly file: Buffer
}

/** An NFS server on loopback, over one connection. */
export async function nfsSide(port: number, exportPath: string): Promise<GatewaySide> {
  const client = await NfsBenchClient.connect(port)
  const top = await client.mount(exportPath)
  const file = await client.create(top, 'large')
  const root = await client.makeDirectory(top, 'nfs')
  return {
    run: (work, size) => WORKS[work]({ client, root, file, ...size }),
    close: async () => client.close(),
  }
}

const place = (root: Buffer, index: number): [Buffer, Buffer] => [root, Buffer.from(`file ${index}`)]

const WORKS: Readonly<Record<GatewayWork, (work: NfsWork) => Promise<number>>> = {
  write: async ({ client, file, bytes }) => {
    const content = words(Buffer.alloc(TRANSFER_BYTES, 7))
    const write = await client.run(WRITE, bytes / TRANSFER_BYTES, LARGE_WINDOW, (i) => [
      words(file, ...offsetWords(i * TRANSFER_BYTES), TRANSFER_BYTES, UNSTABLE),
      content,
    ])
    return write + (await client.run(COMMIT, 1, 1, () => [words(file, 0, 0, 0)]))
  },
  read: ({ client, file, bytes }) =>
    client.run(READ, bytes / TRANSFER_BYTES, LARGE_WINDOW, (i) => [
      words(file, ...offsetWords(i * TRANSFER_BYTES), TRANSFER_BYTES),
    ]),
  smallWrite: ({ client, file, bytes, operations }) => {
    const content = words(Buffer.alloc(SMALL_BYTES, 9))
    return client.run(WRITE, operations, SMALL_WINDOW, (i) => [
      words(file, ...offsetWords(scattered(i, bytes)), SMALL_BYTES, UNSTABLE),
      content,
    ])
  },
  smallRead: ({ client, file, bytes, operations }) =>
    client.run(READ, operations, SMALL_WINDOW, (i) => [words(file, ...offsetWords(scattered(i, bytes)), SMALL_BYTES)]),
  create: ({ client, root, operations }) =>
    client.run(CREATE, operations, SMALL_WINDOW, (i) => [words(...place(root, i), 1, 0, 0, 0, 0, 0, 0)]),
  stat: ({ client, root, operations }) =>
    client.run(LOOKUP, operations, SMALL_WINDOW, (i) => [words(...place(root, i))]),
  list: async ({ client, root, operations }) => {
    const startedMs = performance.now()
    // The directory itself and the one above it are listed too.
    const entries = (await client.list(root)) - 2
    if (entries !== operations) throw new Error(`NFS listed ${entries} entries of ${operations}`)
    return performance.now() - startedMs
  },
  remove: ({ client, root, operations }) =>
    client.run(REMOVE, operations, SMALL_WINDOW, (i) => [words(...place(root, i))]),
}

import type { VolumeExport } from '@dittofs/interface'
import { type MemoryVolume, memoryVolume } from '@dittofs/testing'
import { onTestFinished } from 'vitest'
import { type NfsGateway, type NfsGatewayInit, nfsGateway } from '../src/index.ts'
import { NfsClient } from './nfs-client.ts'

export interface Served {
  gateway: NfsGateway
  volume: MemoryVolume
  port: number
  client: NfsClient
  /** The handle of the export's root. */
  root: Buffer
}

/** A gateway over one volume in memory, exported as `/space`, with a client that has mounted it; both end with the test. */
export async function served(
  init: Partial<NfsGatewayInit> = {},
  options: Partial<VolumeExport> & { volume?: MemoryVolume } = {},
): Promise<Served> {
  const volume = options.volume ?? memoryVolume()
  const space = { name: 'space', isReadOnly: false, ...options, volume }
  const gateway = nfsGateway({ exports: [space], port: 0, owner: { uid: 501, gid: 502 }, ...init })
  const { port } = await gateway.serve()
  const client = await NfsClient.connect(port)
  onTestFinished(async () => {
    client.rpc.socket.destroy()
    await gateway.stop()
  })
  const { handle: root } = await client.mount('/space')
  return { gateway, volume, port, client, root: Buffer.from(root) }
}

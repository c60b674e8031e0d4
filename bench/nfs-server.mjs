/** Serves a volume in memory over NFS on a free port, which it tells its parent; ends when the parent does. */
import { nfsGateway } from '@dittofs/gateway-nfs'
import { memoryVolume } from '@dittofs/testing'

const volume = memoryVolume({ maxBytes: 8 * 1024 ** 3 })
const gateway = nfsGateway({ exports: [{ name: 'bench', volume, isReadOnly: false }], port: 0 })
process.send(await gateway.serve())
process.once('disconnect', () => process.exit())

/**
 * Volumes over NFSv3 (RFC 1813) with the MOUNT protocol on the same TCP port: for kernels, libnfs and whatever else speaks
 * it, without a portmapper.
 *
 * ```ts
 * import { nfsGateway } from '@dittofs/gateway-nfs'
 *
 * const gateway = nfsGateway({ exports: [{ name: 'photos', volume, isReadOnly: false }], port: 2049 })
 * const { port } = await gateway.serve()
 * // mount -t nfs -o vers=3,tcp,port=2049,mountport=2049,nolock 127.0.0.1:/photos /mnt
 * ```
 *
 * @packageDocumentation
 */
export { DEFAULT_NFS_PORT, type NfsGateway, type NfsGatewayInit, nfsGateway } from './gateway.ts'
export type { Owner } from './nfs/nfs-attributes.ts'

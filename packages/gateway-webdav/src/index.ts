/**
 * Serves volumes over WebDAV (RFC 4918, classes 1 and 2) to the clients that systems bring along, and to browsers.
 *
 * ```ts
 * const gateway = webdavGateway({
 *   exports: [{ name: 'photos', volume, isReadOnly: false }],
 *   isLoopbackOpen: true,
 *   spoolDirectory: '/var/tmp',
 * })
 * const { port } = await gateway.serve() // http://127.0.0.1:PORT/photos/
 * ```
 *
 * @packageDocumentation
 */
export { type Credentials, fixedCredentials, type VerifyCredentials } from './credentials.ts'
export {
  type DeadProperties,
  type DeadProperty,
  memoryDeadProperties,
  type PropertyDatabase,
  storedDeadProperties,
} from './dead-properties.ts'
export { SIDECAR_POLICIES, type SidecarPolicy } from './served-volume.ts'
export { webdavGateway } from './webdav-gateway.ts'
export type { WebdavGatewayInit } from './webdav-gateway-init.ts'

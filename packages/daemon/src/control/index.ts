/**
 * A device in another process: the control API that a daemon serves on a socket, and the client that makes a
 * `Device` of it.
 *
 * ```ts
 * import { connectDevice } from '@dittofs/daemon/control'
 *
 * const device = await connectDevice({ home: '/home/alice/.dittofs' })
 * console.log((await device.status()).device.name)
 * await device.close()
 * ```
 *
 * @packageDocumentation
 */
export { type ConnectDeviceInit, connectDevice } from './connect-device.ts'

/**
 * Puts the parts together: a device in this process, and what a daemon adds to it.
 *
 * ```ts
 * import { openDevice } from '@dittofs/daemon'
 *
 * const device = await openDevice({ home: '/home/alice/.dittofs' })
 * await device.add(['/home/alice/photos'])
 * for await (const entries of device.list()) for (const { path, size } of entries) console.log(path, size)
 * await device.close()
 * ```
 *
 * @packageDocumentation
 */
export { type Config, DEFAULT_CONFIG, type FetchPolicy, type SymlinkPolicy } from './config/config-schema.ts'
export { type ConnectDeviceInit, connectDevice } from './control/connect-device.ts'
export { type Daemon, startDaemon } from './control/start-daemon.ts'
export { LocalDevice } from './device.ts'
export type { DeviceInit } from './device-init.ts'
export { examine } from './doctor/doctor.ts'
export { defaultHome } from './home/home.ts'
export { openDevice } from './open-device.ts'
export { VERSION } from './version.ts'

import path from 'node:path'
import type { Device } from '@dittofs/interface'
import type { DeviceInit } from '../device-init.ts'
import { openDevice } from '../open-device.ts'
import { serveControl } from './serve-control.ts'

/** A device that works for other processes too. */
export interface Daemon {
  readonly device: Device
  /** Where clients connect: a socket's path, or a pipe's name. */
  readonly address: string
  /** Stops serving, finishes what must not be cut, and releases the home. Idempotent. */
  close(): Promise<void>
}

/**
 * Opens a home's device with its links and serves it on the control socket, until `close`.
 *
 * @throws DittoError what `openDevice` throws; DITTO_HOME_LOCKED tells which process has the home
 */
export async function startDaemon(init: Omit<DeviceInit, 'online'>): Promise<Daemon> {
  const device = await openDevice({ ...init, online: true })
  try {
    const control = await serveControl({
      device,
      run: path.join(device.home, 'run'),
      metrics: () => device.metrics(),
      logger: device.logger,
    })
    await device.serveKept()
    const close = async () => {
      await control.close()
      await device.close()
    }
    let closing: Promise<void> | undefined
    return { device, address: control.address, close: () => (closing ??= close()) }
  } catch (error) {
    await device.close()
    throw error
  }
}

import type { Device, DeviceId, Logger } from '@dittofs/interface'

export const SCRIPTED_ID = 'ALICE-ID' as DeviceId

/** What a test says a device does; a method it says nothing about is absent and fails. */
export function scriptedDevice(methods: Partial<Device>): Device {
  return { id: SCRIPTED_ID, ...methods } as Device
}

/** Keeps what was logged as an error. */
export function keepingLogger(errors: object[] = []): Logger {
  const ignore = () => {}
  return { debug: ignore, info: ignore, warn: ignore, error: (fields) => void errors.push(fields) }
}

import { type Check, type Device, isDittoError } from '@dittofs/interface'

/** Whether the device opens at all; what else is asked of it rests on that. */
export function deviceCheck(device: () => Promise<Pick<Device, 'status'> | undefined>): Check {
  return {
    name: 'device',
    run: async () => {
      try {
        const opened = await device()
        if (opened === undefined) return []
        const { isDaemonRunning, notices } = await opened.status()
        const found = isDaemonRunning
          ? 'A daemon runs and answers.'
          : 'The device can be opened; no daemon runs for it.'
        return [{ level: 'ok', text: found }, ...notices.map((text) => ({ level: 'warning' as const, text }))]
      } catch (error) {
        if (!isDittoError(error)) throw error
        return [{ level: 'problem', text: error.message }]
      }
    },
  }
}

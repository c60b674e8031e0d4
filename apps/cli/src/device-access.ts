import type { CheckedFinding, Device, ExamineOptions } from '@dittofs/interface'

/** How a daemon is started; what is absent comes from the home's `config.toml`. */
export interface DaemonSettings {
  home: string
  port?: number
  host?: string
  name?: string
  peers?: readonly string[]
  mdns?: boolean
  beacon?: boolean
  /** From which level on to log to the standard error stream, beside the log files. */
  stderrLevel: 'info' | 'warn'
}

export interface Daemon {
  readonly device: Device
  /** Stops serving, finishes what must not be cut, and releases the home. */
  close(): Promise<void>
}

/** The ways to a device. The command line knows no others, so that tests can put theirs in. */
export interface DeviceAccess {
  /** @throws DittoError DITTO_DAEMON_UNREACHABLE when no daemon runs for the home */
  connect(home: string, signal: AbortSignal): Promise<Device>
  /** Opens the home in this process. @throws DittoError DITTO_HOME_LOCKED while another process has it */
  open(options: { home: string; online: boolean }): Promise<Device>
  startDaemon(settings: DaemonSettings): Promise<Daemon>
  /** Looks for what keeps the device of the home from working. */
  examine(home: string, options: ExamineOptions & { signal: AbortSignal }): Promise<readonly CheckedFinding[]>
}

/** Loads what it needs when it needs it: a command that finds a daemon never loads a store. */
export const deviceAccess: DeviceAccess = {
  async connect(home, signal) {
    const { connectDevice } = await import('@dittofs/daemon/control')
    return connectDevice({ home }, { signal })
  },
  async open(options) {
    const { openDevice } = await import('@dittofs/daemon')
    return openDevice(options)
  },
  async startDaemon(settings) {
    const { startDaemon } = await import('@dittofs/daemon')
    return startDaemon(settings)
  },
  async examine(home, options) {
    const { examine } = await import('@dittofs/daemon')
    return examine(home, options)
  },
}

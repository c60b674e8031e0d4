import type { Clock, Logger, RandomBytes, Transport } from '@dittofs/interface'
import type { LogLevel } from './config/config-schema.ts'

/** What a run of a device may set; all but `home` goes before `config.toml`. */
export interface DeviceInit {
  /** Directory of the device, absolute; made on first use. */
  home: string
  /** Whether to find and talk to other devices. Default `false`: nothing is listened to or sent. */
  online?: boolean
  /** Also written to `config.toml`. */
  name?: string
  /** TCP port to listen at; 0 takes any free one. */
  port?: number
  /** Address of this machine to listen at. */
  host?: string
  /** Addresses to dial, `HOST:PORT`, beside those of the config. */
  peers?: readonly string[]
  mdns?: boolean
  beacon?: boolean
  /** Also logs to the standard error stream, from this level on. Default: only to the files in the home. */
  stderrLevel?: LogLevel
  /** Takes the place of the log files in the home. */
  logger?: Logger
  clock?: Clock
  randomBytes?: RandomBytes
  /** Take the place of TCP, WebRTC and Bluetooth. */
  transports?: readonly Transport[]
}

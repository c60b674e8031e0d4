import { setTimeout as delay } from 'node:timers/promises'
import { type Device, isDittoError } from '@dittofs/interface'
import type { CommandContext } from './command-context.ts'

/** A daemon that starts or stops, or another command, may hold the home for a moment. */
const LOCKED_PATIENCE_MS = 10_000
const LOCKED_RETRY_MS = 100

interface DeviceOptions {
  /** Without a daemon: opens the home together with its links, so that other devices can be reached. */
  isOnline?: boolean
}

/**
 * Lets a command work with the home's device: that of the running daemon, else the home opened in this process.
 *
 * @throws DittoError DITTO_HOME_LOCKED when another process keeps the home and serves nobody
 */
export async function withDevice<Result>(
  context: CommandContext,
  work: (device: Device, isDaemon: boolean) => Promise<Result>,
  { isOnline = false }: DeviceOptions = {},
): Promise<Result> {
  const { device, isDaemon } = await acquire(context, isOnline)
  try {
    return await work(device, isDaemon)
  } finally {
    await device.close()
  }
}

async function acquire(context: CommandContext, isOnline: boolean): Promise<{ device: Device; isDaemon: boolean }> {
  const { access, home, signal } = context
  const deadline = context.now() + LOCKED_PATIENCE_MS
  for (;;) {
    signal.throwIfAborted()
    try {
      return { device: await access.connect(home, signal), isDaemon: true }
    } catch (error) {
      if (!isDittoError(error, 'DITTO_DAEMON_UNREACHABLE')) throw error
    }
    try {
      return { device: await access.open({ home, online: isOnline }), isDaemon: false }
    } catch (error) {
      if (!isDittoError(error, 'DITTO_HOME_LOCKED') || context.now() >= deadline) throw error
    }
    await delay(LOCKED_RETRY_MS, undefined, { signal })
  }
}

import { MIB } from './units.ts'

/** What is done on each side, in this order: later works use what earlier ones made. */
export const GATEWAY_WORKS = ['write', 'read', 'smallWrite', 'smallRead', 'create', 'stat', 'list', 'remove'] as const
export type GatewayWork = (typeof GATEWAY_WORKS)[number]

export interface WorkSize {
  /** Of the file that is written and read, a multiple of 1 MiB. */
  readonly bytes: number
  /** Of the small works; as many files are made in one directory. */
  readonly operations: number
}

/** Somewhere files can be: a gateway, a server beside it, a directory. */
export interface GatewaySide {
  /** Does one work, and gives its milliseconds; `undefined` for what the protocol has not. */
  run(work: GatewayWork, size: WorkSize): Promise<number | undefined>
  close(): Promise<void>
}

export const TRANSFER_BYTES = MIB
export const SMALL_BYTES = 4096
/** Calls on their way at once: of a kernel client that reads ahead, and of a program with a few threads. */
export const LARGE_WINDOW = 8
export const SMALL_WINDOW = 16

/** Offsets that are the same in every run, all over the file. */
export const scattered = (index: number, bytes: number): number =>
  ((index * 7919) % Math.floor(bytes / SMALL_BYTES)) * SMALL_BYTES

/** What a work comes to in a second: MiB of the large file, operations of the others. */
export function rateOf(work: GatewayWork, { bytes, operations }: WorkSize, ms: number): number {
  const count = work === 'write' || work === 'read' ? bytes / MIB : operations
  return count / (ms / 1000)
}

export const unitOf = (work: GatewayWork): string => (work === 'write' || work === 'read' ? 'MiB/s' : '/s')

/** Milliseconds of `count` calls, `window` of them at once. */
export async function inWindow(count: number, window: number, call: (index: number) => Promise<unknown>) {
  const startedMs = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: Math.min(window, count) }, lane))
  return performance.now() - startedMs
}

import type { Logger } from '@dittofs/interface'

/** Their lines begin so; the second form continues one. */
const THEIR_LINE = /^(?:noble|bleno)(?: warning)?:|^ {15}\S/i

let logger: Logger | undefined
let isConsoleQuiet = false

/**
 * Sends to the log what noble and bleno print on the console, from whose standard output scripts read JSON. They print
 * on their own, and neither has a switch for it.
 */
export function quietConsole(to: Logger | undefined): void {
  logger = to
  if (isConsoleQuiet) return
  isConsoleQuiet = true
  for (const level of ['log', 'warn'] as const) {
    const print = console[level].bind(console)
    console[level] = (...values: unknown[]) => {
      if (typeof values[0] === 'string' && THEIR_LINE.test(values[0])) logger?.debug({}, values[0].trim())
      else print(...values)
    }
  }
}

/** The part of both packages that reads what the adapter says, on systems where they talk to it themselves. */
interface Internals {
  readonly _bindings?: {
    readonly _hci?: { onSocketData?: (data: Buffer) => void }
    readonly _gap?: { _discoveries?: object }
  }
}

/**
 * Keeps a malformed packet from ending the process: both packages read the fields of what strangers send without
 * looking whether they are there, within the handler of a socket's event. To be called before `powerOn`. Where the
 * inside of a package is another one, nothing is done.
 */
export function survivePackets(radio: object, to: Logger | undefined): void {
  const hci = (radio as Internals)._bindings?._hci
  const read = hci?.onSocketData
  if (hci === undefined || typeof read !== 'function') return
  hci.onSocketData = function (this: unknown, data: Buffer) {
    try {
      read.call(this, data)
    } catch (error) {
      to?.debug({ error }, 'A malformed Bluetooth packet was dropped.')
    }
  }
}

/** noble keeps whatever any device near it has ever advertised, under addresses that phones change every few minutes. */
export function forgetStrangers(noble: object): void {
  const gap = (noble as Internals)._bindings?._gap
  if (gap?._discoveries !== undefined) gap._discoveries = {}
}

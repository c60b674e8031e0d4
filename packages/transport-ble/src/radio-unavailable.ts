import { DittoError } from '@dittofs/interface'

/** What is known of why a radio cannot be used, from what the packages and the system say. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /MODULE_NOT_FOUND|Cannot find (module|package)|No native build|invalid ELF|NODE_MODULE_VERSION/i,
    'its driver is not installed or was not built for this machine; install DittoFS again with a compiler and Python at hand',
  ],
  [
    /EAFNOSUPPORT|Address family not supported/i,
    'this system has no Bluetooth; load its driver or use another machine',
  ],
  [/ENODEV|No such device|no compatible/i, 'no Bluetooth adapter was found; plug one in or switch it on'],
  [
    /EPERM|EACCES|unauthorized|not permitted|Permission denied/i,
    'this user may not use the Bluetooth adapter; give Node the capability cap_net_raw, or allow it in the system settings',
  ],
  [/poweredOff|resetting/, 'the Bluetooth adapter is switched off; switch it on'],
  [/Unsupported platform/i, 'Bluetooth is not supported on this system; leave it off'],
  [
    /unsupported/,
    'the Bluetooth adapter does not know Bluetooth LE, or is in use by another program; use another adapter',
  ],
  [/no answer/, 'the Bluetooth adapter does not answer; switch it off and on again'],
]

/**
 * @param cause - an error, or a state that one of the packages names
 * @returns DittoError DITTO_UNSUPPORTED, its message one sentence with what to do
 */
export function radioUnavailable(cause: unknown): DittoError {
  const text =
    cause instanceof Error ? `${(cause as NodeJS.ErrnoException).code ?? ''} ${cause.message}` : String(cause)
  const reason = REASONS.find(([pattern]) => pattern.test(text))?.[1]
  return new DittoError(
    'DITTO_UNSUPPORTED',
    `Bluetooth cannot be used: ${reason ?? `${text.trim().split('\n')[0]}; leave it off`}.`,
    cause instanceof Error ? { cause } : {},
  )
}

import { totalmem } from 'node:os'

/** Memory that this process may have, in bytes: that of the machine, or less where its control group has a limit. */
export function machineBytes(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

import { randomBytes } from 'node:crypto'
import type { DiskStamp } from '../disk-stamp.ts'

const TEMPORARY = /^\.dittofs-[0-9a-f]{16}\.tmp$/
const KEPT = /^\.dittofs-[0-9a-f]{16}-(\d{1,16})-(-?\d{1,20})\.kept$/

/** A name for what is not finished yet; of no use to anybody after a crash. */
export function temporaryName(): string {
  return `.dittofs-${randomBytes(8).toString('hex')}.tmp`
}

export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name)
}

/** A name for what is being replaced or removed, until it is sure that nobody changed it in the last moment. */
export function keptName(expected: DiskStamp): string {
  return `.dittofs-${randomBytes(8).toString('hex')}-${expected.size}-${expected.mtimeNs}.kept`
}

/** For a name by {@link keptName}, whether what stands there is what was expected; `undefined` for other names. */
export function isAsKept(name: string, stamp: DiskStamp): boolean | undefined {
  const found = KEPT.exec(name)
  if (found === null) return undefined
  return Number(found[1]) === stamp.size && BigInt(found[2] as string) === stamp.mtimeNs
}

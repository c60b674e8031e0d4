/**
 * Whether a test may be skipped for want of a program or of root: never where everything was installed on purpose.
 */
export const mustRunAll = process.env.DITTOFS_TEST_ALL === '1'

/**
 * For `it.skipIf`: `true`, with the reason printed, when `reason` says why a test cannot run here.
 *
 * @throws Error when nothing may be skipped
 */
export function skipBecause(reason: string | undefined): boolean {
  if (reason === undefined) return false
  if (mustRunAll) throw new Error(`a test would be skipped although DITTOFS_TEST_ALL=1: ${reason}`)
  process.stderr.write(`skipped: ${reason}\n`)
  return true
}

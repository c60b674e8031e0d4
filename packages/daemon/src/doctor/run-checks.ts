import type { Check, CheckedFinding, Finding } from '@dittofs/interface'

/** A check that takes longer waits for something that will not come. */
const CHECK_TIMEOUT_MS = 20_000

/** Runs checks one after the other, so that none disturbs another. One that fails or hangs is a problem of its own. */
export async function runChecks(
  checks: readonly Check[],
  { signal, timeoutMs = CHECK_TIMEOUT_MS }: { signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<CheckedFinding[]> {
  const found: CheckedFinding[] = []
  for (const check of checks) {
    signal?.throwIfAborted()
    for (const finding of await runOne(check, check.timeoutMs ?? timeoutMs)) {
      found.push({ check: check.name, ...finding })
    }
  }
  return found
}

async function runOne(check: Check, timeoutMs: number): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), timeoutMs)
  })
  try {
    return await Promise.race([check.run(), late])
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [{ level: 'problem' as const, text: `This could not be checked: ${reason.replace(/\.$/, '')}.` }]
  } finally {
    clearTimeout(timer)
  }
}

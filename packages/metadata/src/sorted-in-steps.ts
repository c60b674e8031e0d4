/** Texts sorted or merged in one step: below a millisecond. */
const TEXTS_PER_STEP = 1000

/** The texts in code unit order, sorted in steps: a directory may hold any number of names. */
export function* sortedInSteps(texts: Iterable<string>): Generator<void, string[]> {
  let runs: string[][] = []
  let run: string[] = []
  for (const text of texts) {
    run.push(text)
    if (run.length < TEXTS_PER_STEP) continue
    runs.push(run.sort())
    run = []
    yield
  }
  if (run.length > 0) runs.push(run.sort())
  while (runs.length > 1) {
    const merged: string[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergedInSteps(runs[at] as string[], runs[at + 1] ?? []))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* mergedInSteps(a: readonly string[], b: readonly string[]): Generator<void, string[]> {
  const merged: string[] = []
  let [inA, inB] = [0, 0]
  while (inA < a.length || inB < b.length) {
    const [nextA, nextB] = [a[inA], b[inB]]
    if (nextA !== undefined && (nextB === undefined || nextA <= nextB)) {
      merged.push(nextA)
      inA += 1
    } else {
      merged.push(nextB as string)
      inB += 1
    }
    if (merged.length % TEXTS_PER_STEP === 0) yield
  }
  return merged
}

/** Where a line stands in three texts. */
export interface Anchor {
  readonly o: number
  readonly a: number
  readonly b: number
}

const LINES_PER_STEP = 4000

/**
 * Lines that stand once in each of three texts, in the same order in all: between them, the texts can be compared
 * piece by piece, which takes a time that grows with the text and not with its square.
 *
 * After Bram Cohen's patience diff.
 */
export function* commonAnchors(
  o: readonly number[],
  a: readonly number[],
  b: readonly number[],
): Generator<void, Anchor[]> {
  const inO = yield* onlyPlaces(o)
  const inA = yield* onlyPlaces(a)
  const inB = yield* onlyPlaces(b)
  const anchors: Anchor[] = []
  // In the order of the text: a map keeps the order in which its keys came.
  for (const [line, at] of inO) {
    const [atA, atB] = [inA.get(line), inB.get(line)]
    if (at >= 0 && atA !== undefined && atA >= 0 && atB !== undefined && atB >= 0) {
      anchors.push({ o: at, a: atA, b: atB })
    }
    if (at % LINES_PER_STEP === LINES_PER_STEP - 1) yield
  }
  const inOrderOfA = yield* longestRising(anchors, ({ a: at }) => at)
  return yield* longestRising(inOrderOfA, ({ b: at }) => at)
}

/** Where each line stands; -1 for one that comes again. */
function* onlyPlaces(lines: readonly number[]): Generator<void, ReadonlyMap<number, number>> {
  const places = new Map<number, number>()
  for (const [at, line] of lines.entries()) {
    places.set(line, places.has(line) ? -1 : at)
    if (at % LINES_PER_STEP === LINES_PER_STEP - 1) yield
  }
  return places
}

/** The longest part of a sequence in which a value rises all along; of several the same one every time. */
function* longestRising(anchors: readonly Anchor[], placeOf: (anchor: Anchor) => number): Generator<void, Anchor[]> {
  const before = new Int32Array(anchors.length).fill(-1)
  /** For each length, the position of the anchor with the least value that ends a rising part of it. */
  const ends: number[] = []
  for (const [position, anchor] of anchors.entries()) {
    const value = placeOf(anchor)
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (placeOf(anchors[ends[middle] as number] as Anchor) < value) low = middle + 1
      else high = middle
    }
    before[position] = low === 0 ? -1 : (ends[low - 1] as number)
    ends[low] = position
    if (position % LINES_PER_STEP === LINES_PER_STEP - 1) yield
  }
  const rising: Anchor[] = []
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] as number) rising.push(anchors[at] as Anchor)
  return rising.reverse()
}

import { diff3MergeRegions } from 'node-diff3'
import { commonAnchors } from './merge-anchors.ts'
import { inSlices } from './slices.ts'

/** What two versions of a text come to. */
export type TextMerge =
  | { readonly kind: 'merged'; readonly bytes: Uint8Array }
  | { readonly kind: 'clash'; readonly hunks: readonly TextClash[] }
  /** Not UTF-8, a NUL in it, too large, or too much changed to be compared in bounded time. */
  | { readonly kind: 'unsupported' }

/** Lines that both sides changed, each in its own way, or that stand right beside each other. */
export interface TextClash {
  /** The first of the lines of the base, from 0. */
  readonly line: number
  readonly base: string
  readonly ours: string
  readonly theirs: string
}

export const MAX_MERGE_BYTES = 4 * 1024 * 1024
/** Pairs of lines that are compared where no line is shared by all: a few milliseconds of work. */
const MAX_SEGMENT_PAIRS = 1_000_000
const MAX_PAIRS = 50_000_000
const LINES_PER_STEP = 4000
const PAIRS_PER_STEP = 200_000
/** What a piece of the texts costs at least, however small it is. */
const PAIRS_PER_SEGMENT = 100

type Lines = readonly number[]

/**
 * Merges two versions of a text that come from one base, line by line. The bytes depend on the three texts alone, and
 * not on which side is which: two devices that merge get the same.
 *
 * @param base - read during the call only, like the others; at most MAX_MERGE_BYTES each
 */
export function mergeText(base: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Promise<TextMerge> {
  return inSlices(mergeSteps(base, ours, theirs))
}

function* mergeSteps(base: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Generator<void, TextMerge> {
  // One order of the sides on all devices: how lines are matched may depend on it.
  const isSwapped = Buffer.compare(ours, theirs) > 0
  const texts = isSwapped ? [base, theirs, ours] : [base, ours, theirs]
  const lineTexts: string[] = []
  const known = new Map<string, number>()
  const sides: Lines[] = []
  for (const bytes of texts) {
    const text = decode(bytes)
    if (text === undefined) return { kind: 'unsupported' }
    yield
    sides.push(yield* linesOf(text, known, lineTexts))
  }
  const [o, a, b] = sides as [Lines, Lines, Lines]
  const merged: number[] = []
  const hunks: TextClash[] = []
  const textOf = (lines: Lines) => lines.map((line) => lineTexts[line]).join('')
  const start = { o: 0, a: 0, b: 0 }
  let pairs = 0
  let pairsInStep = 0
  for (const anchor of [...(yield* commonAnchors(o, a, b)), { o: o.length, a: a.length, b: b.length }]) {
    const part = [a.slice(start.a, anchor.a), o.slice(start.o, anchor.o), b.slice(start.b, anchor.b)] as const
    const work = part[1].length * (part[0].length + part[2].length)
    pairs += work
    pairsInStep += work + PAIRS_PER_SEGMENT
    if (work > MAX_SEGMENT_PAIRS || pairs > MAX_PAIRS) return { kind: 'unsupported' }
    if (pairsInStep > PAIRS_PER_STEP) {
      pairsInStep = 0
      yield
    }
    const isEmpty = part.every((lines) => lines.length === 0)
    for (const region of isEmpty ? [] : diff3MergeRegions(...part)) {
      if (region.stable) append(merged, region.bufferContent)
      else if (isSame(region.aContent, region.bContent)) append(merged, region.aContent)
      else {
        const [first, second] = [textOf(region.aContent), textOf(region.bContent)]
        const [own, other] = isSwapped ? [second, first] : [first, second]
        hunks.push({ line: start.o + region.oStart, base: textOf(region.oContent), ours: own, theirs: other })
      }
    }
    if (anchor.o < o.length) merged.push(o[anchor.o] as number)
    Object.assign(start, { o: anchor.o + 1, a: anchor.a + 1, b: anchor.b + 1 })
  }
  if (hunks.length > 0) return { kind: 'clash', hunks }
  const parts: Buffer[] = []
  for (let at = 0; at < merged.length; at += LINES_PER_STEP) {
    yield
    parts.push(Buffer.from(textOf(merged.slice(at, at + LINES_PER_STEP))))
  }
  return { kind: 'merged', bytes: Buffer.concat(parts) }
}

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_MERGE_BYTES || bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Each line with its end, as a number: equal lines are equal numbers. */
function* linesOf(text: string, known: Map<string, number>, texts: string[]): Generator<void, Lines> {
  const lines: number[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end < 0 ? text.length : end + 1)
    let number = known.get(line)
    if (number === undefined) {
      number = texts.length
      known.set(line, number)
      texts.push(line)
    }
    lines.push(number)
    at += line.length
    if (lines.length % LINES_PER_STEP === 0) yield
  }
  return lines
}

function isSame(a: Lines, b: Lines): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at])
}

/** One by one: a spread of this many would not fit on the stack. */
function append(to: number[], lines: Lines): void {
  for (const line of lines) to.push(line)
}

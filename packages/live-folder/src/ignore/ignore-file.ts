import { IgnorePattern } from './ignore-pattern.ts'

/** The limits of SECURITY.md section 8: the files are synced, so what is in them is a stranger's. */
const MAX_LINES = 1000
const MAX_LINE_BYTES = 256
const MAX_DOUBLE_STARS = 2
const MAX_STARS = 16
/** A file over that is cut: no line within the limits lies beyond. */
const MAX_CHARACTERS = MAX_LINES * (MAX_LINE_BYTES + 2)

/** A line that is left out, and why. */
export interface IgnoreFault {
  /** Path of the file, below the live folder. */
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly reason: string
}

export interface ParsedIgnoreFile {
  readonly patterns: readonly IgnorePattern[]
  readonly faults: readonly IgnoreFault[]
}

/** Reads the lines of one `.dittoignore`, in gitignore's syntax. @param file - its path, for faults */
export function parseIgnoreFile(text: string, file: string): ParsedIgnoreFile {
  const patterns: IgnorePattern[] = []
  const faults: IgnoreFault[] = []
  const lines = text
    .slice(0, MAX_CHARACTERS)
    .replace(/^\uFEFF/, '')
    .normalize('NFC')
    .split('\n')
  for (const [index, raw] of lines.slice(0, MAX_LINES).entries()) {
    const line = index + 1
    const reason = raw.startsWith('#') ? undefined : faultOf(raw)
    if (reason !== undefined) {
      faults.push({ file, line, reason })
      continue
    }
    const pattern = IgnorePattern.parse(raw, line)
    if (pattern !== undefined) patterns.push(pattern)
  }
  if (lines.slice(MAX_LINES).some((line) => line !== '') || text.length > MAX_CHARACTERS) {
    faults.push({ file, line: MAX_LINES + 1, reason: `a file has at most ${MAX_LINES} lines; the rest is left out` })
  }
  return { patterns, faults }
}

function faultOf(line: string): string | undefined {
  if (Buffer.byteLength(line) > MAX_LINE_BYTES) return `a line is at most ${MAX_LINE_BYTES} bytes long`
  const doubles = line.match(/\*\*/g)?.length ?? 0
  if (doubles > MAX_DOUBLE_STARS) return `a pattern has at most ${MAX_DOUBLE_STARS} "**"`
  const stars = line.match(/\*/g)?.length ?? 0
  return stars > MAX_STARS ? `a pattern has at most ${MAX_STARS} "*"` : undefined
}

import { type IgnoreFault, parseIgnoreFile } from './ignore-file.ts'
import type { IgnorePattern } from './ignore-pattern.ts'
import { MatchSteps } from './match-steps.ts'

/** The name of the files with patterns; each is for the directory it stands in and what is below. */
export const IGNORE_FILE_NAME = '.dittoignore'

/** An honest pattern takes some hundreds for a long name; about 0.1 ms. */
const MAX_PATTERN_STEPS = 10_000
/** What all patterns together may take for one name before each of the others gets less; some milliseconds. */
const MAX_NAME_STEPS = 200_000
/** Enough for an honest pattern, so that slow lines cannot switch off the quick ones beside them. */
const HURRIED_PATTERN_STEPS = 1_000
const MAX_CACHED_DIRECTORIES = 10_000

/** The line that says whether a path is ignored. */
export interface IgnoreMatch {
  readonly isIgnored: boolean
  readonly pattern: string
  /** Path of the file with the pattern, below the live folder. */
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** The names of what the pattern matched: the path, or a directory above it. */
  readonly names: readonly string[]
}

export interface IgnoreText {
  /** Names of the directory in which the file stands; none for the root. */
  readonly directory: readonly string[]
  readonly text: string
}

interface IgnoreFile {
  readonly directory: readonly string[]
  readonly path: string
  readonly patterns: readonly IgnorePattern[]
}

/**
 * Which paths of a live folder are left alone, by `.dittoignore` files in gitignore's syntax. As in git, the last line
 * that matches counts, one of a deeper file before one of a higher, and what is in an ignored directory is ignored
 * whatever else is said of it. Names are compared in NFC; case counts.
 *
 * Time is bounded, by counting steps and not by the clock, so that all devices come to the same: a pattern that takes too
 * many is switched off and stands among {@link faults} from then on.
 */
export class IgnoreRules {
  readonly #faults: IgnoreFault[]
  /** Deepest first. */
  readonly #files: readonly IgnoreFile[]
  readonly #off = new Set<IgnorePattern>()
  readonly #directories = new Map<string, IgnoreMatch | undefined>()

  /** Rules of one file, in the root. */
  static parse(text: string): IgnoreRules {
    return IgnoreRules.of([{ directory: [], text }])
  }

  /** Rules of several files, at most one a directory. */
  static of(texts: readonly IgnoreText[]): IgnoreRules {
    const faults: IgnoreFault[] = []
    const files = texts.map(({ directory, text }) => {
      const path = [...directory, IGNORE_FILE_NAME].join('/')
      const parsed = parseIgnoreFile(text, path)
      faults.push(...parsed.faults)
      return { directory: directory.map((name) => name.normalize('NFC')), path, patterns: parsed.patterns }
    })
    return new IgnoreRules(files, faults)
  }

  constructor(files: readonly IgnoreFile[], faults: IgnoreFault[]) {
    this.#files = files.toSorted((a, b) => b.directory.length - a.directory.length)
    this.#faults = faults
  }

  /** Lines that are left out, for the person. */
  get faults(): readonly IgnoreFault[] {
    return this.#faults
  }

  /** @param names - from the root of the live folder down */
  isIgnored(names: readonly string[], isDirectory: boolean): boolean {
    return this.match(names, isDirectory)?.isIgnored ?? false
  }

  /** @returns the line that decides about a path; `undefined` where none speaks of it */
  match(names: readonly string[], isDirectory: boolean): IgnoreMatch | undefined {
    if (this.#files.length === 0) return undefined
    const normal = names.map((name) => name.normalize('NFC'))
    for (let depth = 1; depth < normal.length; depth++) {
      const above = this.#matchDirectory(normal.slice(0, depth))
      if (above?.isIgnored === true) return above
    }
    return isDirectory ? this.#matchDirectory(normal) : this.#find(normal, false)
  }

  /** Remembered: most paths share their directories. */
  #matchDirectory(names: readonly string[]): IgnoreMatch | undefined {
    const key = names.join('/')
    if (this.#directories.has(key)) return this.#directories.get(key)
    const match = this.#find(names, true)
    if (this.#directories.size >= MAX_CACHED_DIRECTORIES) this.#directories.clear()
    this.#directories.set(key, match)
    return match
  }

  #find(names: readonly string[], isDirectory: boolean): IgnoreMatch | undefined {
    const characters = names.map((name) => [...name])
    const name = { left: MAX_NAME_STEPS }
    for (const file of this.#files) {
      const depth = file.directory.length
      if (depth >= names.length || file.directory.some((part, at) => part !== names[at])) continue
      const below = characters.slice(depth)
      for (let at = file.patterns.length - 1; at >= 0; at--) {
        const pattern = file.patterns[at] as IgnorePattern
        if (this.#off.has(pattern) || !this.#matches(pattern, file, { below, isDirectory, name })) continue
        return { isIgnored: !pattern.isNegated, pattern: pattern.text, file: file.path, line: pattern.line, names }
      }
    }
    return undefined
  }

  #matches(
    pattern: IgnorePattern,
    file: IgnoreFile,
    path: { below: readonly (readonly string[])[]; isDirectory: boolean; name: { left: number } },
  ): boolean {
    const limit = path.name.left > 0 ? MAX_PATTERN_STEPS : HURRIED_PATTERN_STEPS
    const steps = new MatchSteps(limit)
    const isMatch = pattern.matches(path.below, path.isDirectory, steps)
    path.name.left -= steps.taken
    if (steps.taken <= limit) return isMatch
    this.#off.add(pattern)
    this.#directories.clear()
    this.#faults.push({ file: file.path, line: pattern.line, reason: 'the pattern is too slow and is switched off' })
    return false
  }
}

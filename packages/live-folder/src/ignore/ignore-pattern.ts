import { type MatchSteps, matchSequence } from './match-steps.ts'
import { NamePattern } from './name-pattern.ts'

/** `**` between slashes: any number of directories. */
type PathToken = 'directories' | NamePattern

/** One line of a `.dittoignore`. */
export class IgnorePattern {
  /** As it is written, for a person. */
  readonly text: string
  /** Counted from 1. */
  readonly line: number
  /** `!`: what it matches is not ignored. */
  readonly isNegated: boolean
  readonly #isForDirectories: boolean
  /** Whether it is for names at any depth: there is no slash in it but at its end. */
  readonly #isForNames: boolean
  readonly #tokens: readonly PathToken[]

  /** @returns `undefined` for an empty line, a comment, and what can match nothing */
  static parse(raw: string, line: number): IgnorePattern | undefined {
    const text = trimmed(raw)
    if (text === '' || text.startsWith('#')) return undefined
    const isNegated = text.startsWith('!')
    let body = isNegated ? text.slice(1) : text
    const isForDirectories = body.endsWith('/')
    if (isForDirectories) body = body.slice(0, -1)
    const isForNames = !body.includes('/')
    if (body.startsWith('/')) body = body.slice(1)
    if (body === '') return undefined
    const parts = isForNames ? [body] : body.split('/')
    const tokens: PathToken[] = []
    for (const [index, part] of parts.entries()) {
      if (part === '**' && !isForNames) {
        if (tokens.at(-1) !== 'directories') tokens.push('directories')
        // At the end it stands for all that is in a directory, and not for the directory.
        if (index < parts.length - 1) continue
      }
      const token = NamePattern.parse(part)
      if (token === undefined) return undefined
      tokens.push(token)
    }
    return new IgnorePattern({ text, line, isNegated, isForDirectories, isForNames, tokens })
  }

  constructor(init: {
    text: string
    line: number
    isNegated: boolean
    isForDirectories: boolean
    isForNames: boolean
    tokens: readonly PathToken[]
  }) {
    this.text = init.text
    this.line = init.line
    this.isNegated = init.isNegated
    this.#isForDirectories = init.isForDirectories
    this.#isForNames = init.isForNames
    this.#tokens = init.tokens
  }

  /** @param names - below the directory in which the file with this line stands, each as its characters */
  matches(names: readonly (readonly string[])[], isDirectory: boolean, steps: MatchSteps): boolean {
    if (this.#isForDirectories && !isDirectory) return false
    return matchSequence(this.#tokens, this.#isForNames ? names.slice(-1) : names, {
      isRun: (token) => token === 'directories',
      matches: (token, name) => token !== 'directories' && token.matches(name, steps),
      steps,
    })
  }
}

/** Without spaces at the end, unless a backslash stands before them. */
function trimmed(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  let end = text.length
  while (end > 0 && text[end - 1] === ' ') end--
  let backslashes = 0
  while (backslashes < end && text[end - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1 && end < text.length ? text.slice(0, end + 1) : text.slice(0, end)
}

import { type MatchSteps, matchSequence } from './match-steps.ts'

/** A run of any characters, or what one character must be. */
type NameToken = 'run' | ((character: string) => boolean)

const POSIX_CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t-\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** One part of a pattern, between slashes: `*`, `?`, `[a-z]`, `\` before what is to be taken as it is. */
export class NamePattern {
  readonly #tokens: readonly NameToken[]

  /** @returns `undefined` for what can match nothing: an open bracket, a backslash at the end */
  static parse(text: string): NamePattern | undefined {
    const characters = [...text]
    const tokens: NameToken[] = []
    for (let at = 0; at < characters.length; at++) {
      const character = characters[at] as string
      if (character === '*') {
        if (tokens.at(-1) !== 'run') tokens.push('run')
      } else if (character === '?') {
        tokens.push(() => true)
      } else if (character === '[') {
        const found = parseClass(characters, at)
        if (found === undefined) return undefined
        tokens.push(found.matches)
        at = found.end
      } else {
        const literal = character === '\\' ? characters[++at] : character
        if (literal === undefined) return undefined
        tokens.push((other) => other === literal)
      }
    }
    return new NamePattern(tokens)
  }

  constructor(tokens: readonly NameToken[]) {
    this.#tokens = tokens
  }

  /** @param name - its characters */
  matches(name: readonly string[], steps: MatchSteps): boolean {
    return matchSequence(this.#tokens, name, {
      isRun: (token) => token === 'run',
      matches: (token, character) => token !== 'run' && token(character),
      steps,
    })
  }
}

/** What is in brackets. @param open - where the bracket opens @returns with the index of the closing bracket */
function parseClass(
  characters: readonly string[],
  open: number,
): { readonly matches: (character: string) => boolean; readonly end: number } | undefined {
  let at = open + 1
  const isNegated = characters[at] === '!' || characters[at] === '^'
  if (isNegated) at++
  const tests: ((character: string) => boolean)[] = []
  for (let isFirst = true; isFirst || characters[at] !== ']'; isFirst = false, at++) {
    const posix = posixClassAt(characters, at)
    if (posix !== undefined) {
      const known = POSIX_CLASSES[posix.name]
      if (known === undefined) return undefined
      tests.push((character) => known.test(character))
      at = posix.end
      continue
    }
    if (characters[at] === '\\') at++
    const from = characters[at]
    if (from === undefined) return undefined
    let to = from
    if (characters[at + 1] === '-' && characters[at + 2] !== undefined && characters[at + 2] !== ']') {
      at += 2
      if (characters[at] === '\\') at++
      const end = characters[at]
      if (end === undefined) return undefined
      to = end
    }
    tests.push((character) => pointOf(from) <= pointOf(character) && pointOf(character) <= pointOf(to))
  }
  return { matches: (character) => tests.some((test) => test(character)) !== isNegated, end: at }
}

/** `[:alpha:]` within brackets. */
function posixClassAt(
  characters: readonly string[],
  at: number,
): { readonly name: string; readonly end: number } | undefined {
  if (characters[at] !== '[' || characters[at + 1] !== ':') return undefined
  const close = characters.indexOf(']', at + 2)
  if (close === -1 || characters[close - 1] !== ':' || close - 1 < at + 2) return undefined
  return { name: characters.slice(at + 2, close - 1).join(''), end: close }
}

function pointOf(character: string): number {
  return character.codePointAt(0) as number
}

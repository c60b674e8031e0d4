/** Counts the steps of a match, so that a hostile pattern ends after a number of them, the same on every device. */
export class MatchSteps {
  taken = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @returns whether there are any left */
  take(): boolean {
    this.taken++
    return this.taken <= this.#limit
  }
}

/**
 * Whether a sequence matches one of tokens, where a token is a run of any length or one element. Only the last run is
 * ever tried anew, which finds every match there is: at most as many steps as the product of both lengths.
 */
export function matchSequence<Token, Element>(
  tokens: readonly Token[],
  elements: readonly Element[],
  matching: {
    readonly isRun: (token: Token) => boolean
    readonly matches: (token: Token, element: Element) => boolean
    readonly steps: MatchSteps
  },
): boolean {
  let token = 0
  let element = 0
  let afterRun = -1
  let runEnd = 0
  while (element < elements.length) {
    if (!matching.steps.take()) return false
    const current = tokens[token]
    if (current !== undefined && matching.isRun(current)) {
      afterRun = ++token
      runEnd = element
    } else if (current !== undefined && matching.matches(current, elements[element] as Element)) {
      token++
      element++
    } else if (afterRun !== -1) {
      token = afterRun
      element = ++runEnd
    } else {
      return false
    }
  }
  while (token < tokens.length && matching.isRun(tokens[token] as Token)) token++
  return token === tokens.length
}

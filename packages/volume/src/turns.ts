interface Line {
  /** Resolves when the last one who is alone is through. */
  alone: Promise<void>
  readonly sharing: Set<Promise<void>>
  waiting: number
}

/**
 * Turns by name, in the order in which they were asked for: some share, others have it alone. A call takes its place in
 * line before it returns.
 */
export class Turns {
  readonly #lines = new Map<string, Line>()

  /** Whether nobody has a turn, or waits for one. */
  isFree(name: string): boolean {
    return !this.#lines.has(name)
  }

  /** Runs `work` after everyone before who had it alone. */
  share<T>(name: string, work: () => Promise<T>): Promise<T> {
    const line = this.#line(name)
    const running = line.alone.then(work)
    const settled = running.then(nothing, nothing)
    line.sharing.add(settled)
    void settled.then(() => line.sharing.delete(settled))
    return this.#counted(name, line, running)
  }

  /** Runs `work` after everyone before. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const line = this.#line(name)
    const before = [line.alone, ...line.sharing]
    const running = (before.length === 1 ? line.alone : Promise.all(before)).then(work)
    line.alone = running.then(nothing, nothing)
    return this.#counted(name, line, running)
  }

  #line(name: string): Line {
    const line = this.#lines.get(name) ?? { alone: Promise.resolve(), sharing: new Set(), waiting: 0 }
    this.#lines.set(name, line)
    line.waiting++
    return line
  }

  async #counted<T>(name: string, line: Line, running: Promise<T>): Promise<T> {
    try {
      return await running
    } finally {
      line.waiting--
      if (line.waiting === 0) this.#lines.delete(name)
    }
  }
}

function nothing(): void {}

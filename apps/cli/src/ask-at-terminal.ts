import type { Ask } from './command-context.ts'

/** Asks on the terminal of this process; what is typed is never part of a result, so the question goes to stderr. */
export const askAtTerminal: Ask = async (question, signal) => {
  // Few commands ask, and every command would load it.
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question, { signal })
  } finally {
    lines.close()
  }
}

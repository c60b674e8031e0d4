import type { Progress } from '@dittofs/interface'
import type { CommandContext } from './command-context.ts'
import { ProgressLine } from './output/progress-line.ts'

/**
 * Shows the progress of work on a terminal, and nothing anywhere else.
 *
 * @param work - given also a way to say something meanwhile, on stderr
 */
export async function withProgress<Result>(
  context: CommandContext,
  work: (
    options: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
    say: (text: string) => void,
  ) => Promise<Result>,
): Promise<Result> {
  const { output, signal } = context
  const terminal = output.progressTerminal
  if (terminal === undefined) {
    return work({ signal }, (text) => {
      output.note(text)
    })
  }
  const line = new ProgressLine(terminal)
  try {
    return await work({ signal, onProgress: line.update }, (text) => {
      line.end()
      output.note(text)
    })
  } finally {
    line.end()
  }
}

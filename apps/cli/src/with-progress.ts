import type { Progress } from '@dittofs/interface'
import type { CommandContext } from './command-context.ts'
import { ProgressLine } from './output/progress-line.ts'

/** Shows the progress of work on a terminal, and nothing anywhere else. */
export async function withProgress<Result>(
  context: CommandContext,
  work: (options: { signal: AbortSignal; onProgress?: (progress: Progress) => void }) => Promise<Result>,
): Promise<Result> {
  const terminal = context.output.progressTerminal
  if (terminal === undefined) return work({ signal: context.signal })
  const line = new ProgressLine(terminal)
  try {
    return await work({ signal: context.signal, onProgress: line.update })
  } finally {
    line.end()
  }
}

import { Argument, Command } from 'commander'
import type { RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { completionScript, SHELLS, type Shell } from '../completion-script.ts'

export function completionCommand(run: RunCommand): Command {
  const command = new Command('completion')
    .summary('print a script that completes commands in a shell')
    .description('Prints a script that lets a shell complete the commands and options of dittofs.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
  command.action((shell: Shell) =>
    run(async ({ output }) => {
      const script = completionScript(shell, command.parent ?? command)
      await output.result({ script }, () => [script])
      return undefined
    }),
  )
  return explain(command, {
    examples: [
      ['source <(dittofs completion bash)', 'in ~/.bashrc'],
      ['source <(dittofs completion zsh)', 'in ~/.zshrc, after compinit'],
      ['dittofs completion fish | source', 'in config.fish'],
    ],
  })
}

import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** A script for a shell that completes the commands, their subcommands and options; elsewhere, file names. */
export function completionScript(shell: Shell, program: Command): string {
  switch (shell) {
    case 'bash':
      return bashScript(program)
    case 'zsh':
      // zsh runs bash completions, and that is one script less to keep right.
      return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(program)}`
    case 'fish':
      return fishScript(program)
  }
}

function optionWords(program: Command, command: Command): string[] {
  const own = command === program ? [] : command.options
  return [...own, ...program.options].map((option) => option.long ?? option.short ?? '').concat('--help')
}

function subcommands(command: Command): readonly Command[] {
  return command.commands.filter((one) => one.name() !== 'help')
}

function bashScript(program: Command): string {
  const cases = subcommands(program).map((command) => {
    const words = [...subcommands(command).map((one) => one.name()), ...optionWords(program, command)]
    return `    ${[command.name(), ...command.aliases()].join('|')}) words="${words.join(' ')}" ;;`
  })
  const names = subcommands(program).map((command) => command.name())
  return `_dittofs() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
${cases.join('\n')}
    *) words="${[...names, ...optionWords(program, program)].join(' ')}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _dittofs dittofs`
}

function fishScript(program: Command): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines: string[] = []
  for (const command of subcommands(program)) {
    const name = command.name()
    lines.push(`complete -c dittofs -n __fish_use_subcommand -a ${name} -d ${quote(command.summary())}`)
    const within = `-n '__fish_seen_subcommand_from ${name}'`
    for (const one of subcommands(command)) {
      lines.push(`complete -c dittofs ${within} -a ${one.name()} -d ${quote(one.summary())}`)
    }
    for (const option of command.options) {
      const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`
      const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`
      lines.push(`complete -c dittofs ${within}${short}${long} -d ${quote(option.description)}`)
    }
  }
  for (const option of program.options) {
    lines.push(`complete -c dittofs -l ${(option.long ?? '').slice(2)} -d ${quote(option.description)}`)
  }
  return lines.join('\n')
}

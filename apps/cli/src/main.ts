import { askAtTerminal } from './ask-at-terminal.ts'
import { deviceAccess } from './device-access.ts'
import { EXIT_STATUSES } from './exit-status.ts'
import { run } from './run.ts'

// What a home holds is for its owner alone, and LevelDB makes its files by this mask. What a command writes elsewhere gets
// the modes that the space says.
process.umask(0o077)

const controller = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Whoever asks twice does not want to wait.
    if (controller.signal.aborted) process.exit(EXIT_STATUSES.interrupted)
    controller.abort(new Error(`interrupted by ${name}`))
  })
}

const status = await run({
  args: process.argv.slice(2),
  environment: process.env,
  directory: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  access: deviceAccess,
  signal: controller.signal,
  ...(process.stdin.isTTY && { ask: askAtTerminal }),
})
// Whatever a library left open must not keep a finished command alive.
process.exit(status)

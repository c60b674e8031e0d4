import { readFileSync } from 'node:fs'
import { run } from './run.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const controller = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Whoever asks twice does not want to wait.
    if (controller.signal.aborted) process.exit(1)
    controller.abort(new Error(`interrupted by ${name}`))
  })
}

/** The soft limit of open files, which Node raises to the hard one when it starts; unknown on some systems. */
function maxOpenFiles(): number | undefined {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = report.userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}

process.exitCode = await run({
  args: process.argv.slice(2),
  environment: process.env,
  version,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
  maxOpenFiles: maxOpenFiles(),
})

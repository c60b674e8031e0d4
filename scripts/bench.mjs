/**
 * Sets up and runs the benchmarks.
 *
 * Usage: npm run bench [-- options of bench/main.ts]
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import './setup.mjs'

const root = path.resolve(import.meta.dirname, '..')
const { build } = await import('rolldown')
const file = path.join(root, 'bench', 'dist', 'main.mjs')
await build({
  input: path.join(root, 'bench', 'main.ts'),
  platform: 'node',
  external: [/^[^./]/],
  output: { file, format: 'esm' },
  logLevel: 'warn',
})
const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)

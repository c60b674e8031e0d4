/**
 * Sets up and runs every test, or those that vitest's own arguments select.
 *
 * Usage: npm test [-- vitest arguments], for example npm test -- --project unit
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import './setup.mjs'

const root = path.resolve(import.meta.dirname, '..')
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)

/**
 * Runs random lives of devices with live folders, in one process, from seeds.
 *
 * Usage: node scripts/simulate.mjs [--seed N] [--steps M] [--seeds K]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { rolldown } from 'rolldown'

const root = path.resolve(import.meta.dirname, '..')
const simulation = path.join(root, 'packages', 'live-folder', 'test', 'simulation', 'main.ts')
// Where the one dependency that is not bundled is found: it has a native part.
const directory = mkdtempSync(path.join(root, 'apps', 'cli', 'dist', 'simulate-'))
try {
  const bundle = await rolldown({
    input: simulation,
    platform: 'node',
    resolve: { conditionNames: ['@dittofs/source', 'node', 'import', 'default'] },
    external: ['classic-level'],
  })
  const file = path.join(directory, 'simulate.mjs')
  await bundle.write({ file, format: 'esm' })
  const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exitCode = status ?? 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

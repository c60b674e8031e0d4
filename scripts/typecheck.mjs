/** Type-checks sources and tests: `tsc -b`, then each tsconfig.test.json. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const projects = [
  ['-b'],
  ...['packages', 'apps'].flatMap((group) =>
    readdirSync(path.join(root, group)).map((name) => ['-p', path.join(group, name, 'tsconfig.test.json')]),
  ),
  ['-p', 'signaling/tsconfig.test.json'],
  ['-p', 'test/tsconfig.json'],
  ['-p', 'bench/tsconfig.json'],
]
let failed = false
for (const args of projects) {
  if (args[0] === '-p' && !existsSync(path.join(root, args[1]))) continue
  const { status } = spawnSync(process.execPath, [tsc, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) failed = true
}
process.exit(failed ? 1 : 0)

/** Type-checks sources and tests: `tsc -b`, then each tsconfig.test.json, as many at once as there are processors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const projects = [
  ...['packages', 'apps'].flatMap((group) =>
    readdirSync(path.join(root, group)).map((name) => path.join(group, name, 'tsconfig.test.json')),
  ),
  'signaling/tsconfig.test.json',
  'test/tsconfig.json',
  'bench/tsconfig.json',
].filter((project) => existsSync(path.join(root, project)))

/** @returns whether the compiler found nothing */
async function check(...args) {
  const [status] = await once(spawn(process.execPath, [tsc, ...args], { cwd: root, stdio: 'inherit' }), 'exit')
  return status === 0
}

async function checkRest() {
  let isGood = true
  for (let project = projects.pop(); project !== undefined; project = projects.pop()) {
    isGood = (await check('-p', project)) && isGood
  }
  return isGood
}

// What the others refer to comes first.
const isBuilt = await check('-b')
const rest = await Promise.all(Array.from({ length: availableParallelism() }, checkRest))
process.exit(isBuilt && rest.every(Boolean) ? 0 : 1)

/**
 * Installs the dependencies and builds, and does neither again while nothing they depend on changed.
 *
 * Usage: node scripts/setup.mjs
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const PNPM = 'pnpm@10.34.9'
const root = path.resolve(import.meta.dirname, '..')
const stampFile = path.join(root, 'node_modules', '.dittofs-setup')

/** Names, sizes and times of what installing and building read; contents for the few files that say what to install. */
function stamp() {
  const hash = createHash('sha256')
  const read = (name) => hash.update(name).update(readFileSync(path.join(root, name)))
  for (const name of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'tsconfig.base.json', 'tsconfig.json'])
    read(name)
  const inGroups = ['packages', 'apps'].flatMap((group) =>
    readdirSync(path.join(root, group))
      .sort()
      .map((entry) => path.join(group, entry)),
  )
  for (const directory of [...inGroups, 'signaling']) {
    if (!existsSync(path.join(root, directory, 'package.json'))) continue
    read(path.join(directory, 'package.json'))
    for (const file of readdirSync(path.join(root, directory, 'src'), { recursive: true }).sort()) {
      const stat = statSync(path.join(root, directory, 'src', file))
      if (stat.isFile()) hash.update(`${directory}/${file} ${stat.size} ${stat.mtimeMs}\n`)
    }
  }
  return hash.digest('hex')
}

function run(title, command, args) {
  process.stderr.write(`dittofs setup: ${title}\n`)
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  process.stderr.write(
    `${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}dittofs setup: ${title} failed\n`,
  )
  process.exit(1)
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 20)) {
  process.stderr.write(`DittoFS needs Node 20.20 or newer; this is ${process.version}.\n`)
  process.exit(1)
}

const wanted = stamp()
const done = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : ''
if (done !== wanted) {
  run('installing dependencies', 'npx', ['-y', PNPM, 'install', '--frozen-lockfile'])
  run('building', process.execPath, [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'])
  run('bundling', process.execPath, [path.join(root, 'scripts', 'bundle.mjs')])
  mkdirSync(path.dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, wanted)
}

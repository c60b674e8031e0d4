/**
 * Bundles each app into its own dist, so that one tarball is all that a user installs: the command line with its worker
 * threads, and the signaling server. Packages with native code or WebAssembly stay outside: they are exact-version
 * dependencies of the app.
 *
 * Usage: node scripts/bundle.mjs [cli | signaling], both without an argument
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { rolldown } from 'rolldown'

const root = path.resolve(import.meta.dirname, '..')

/** Faster code for ws, used where somebody installed it. */
const OPTIONAL_OF_WS = ['bufferutil', 'utf-8-validate']

/** A worker thread starts from a file of its own, found beside the file that starts it under its source's name. */
function workerEntries() {
  const entries = {}
  for (const name of readdirSync(path.join(root, 'packages'))) {
    const source = path.join(root, 'packages', name, 'src')
    for (const file of readdirSync(source, { recursive: true })) {
      if (file.endsWith('-worker.ts')) entries[path.basename(file, '.ts')] = path.join(source, file)
    }
  }
  return entries
}

/**
 * Writes characters beyond Latin-1 as escapes. One of them, in a comment even, makes V8 hold the whole file with two bytes a
 * character: 2 MiB more in every process that loads the device.
 */
const oneByteSources = {
  name: 'one-byte-sources',
  renderChunk: (code) => code.replace(/[\u0100-\uffff]/g, escaped),
}

function escaped(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

async function bundleApp(app, workers) {
  const manifest = JSON.parse(readFileSync(path.join(app, 'package.json'), 'utf8'))
  const external = [...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }), ...OPTIONAL_OF_WS]
  const output = path.join(app, 'dist')
  const bundle = await rolldown({
    input: { main: path.join(app, 'src', 'main.ts'), ...workers },
    cwd: app,
    platform: 'node',
    external: (id) => external.some((name) => id === name || id.startsWith(`${name}/`)),
    resolve: { conditionNames: ['@dittofs/source', 'node', 'import'] },
    plugins: [oneByteSources],
    logLevel: 'warn',
  })
  rmSync(output, { recursive: true, force: true })
  await bundle.write({
    dir: output,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: false,
    sourcemap: false,
    comments: { legal: true, annotation: false, jsdoc: false },
  })
  await bundle.close()
}

const only = process.argv[2]
if (only !== 'signaling') await bundleApp(path.join(root, 'apps', 'cli'), workerEntries())
if (only !== 'cli') await bundleApp(path.join(root, 'signaling'), {})

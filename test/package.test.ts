import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const APP = path.resolve('apps/cli')
const isWindows = process.platform === 'win32'

/** Packages that an installed `dittofs` brings along, beside its own bundle. Each one more is a decision. */
const AGREED_DEPENDENCIES = [
  '@abandonware/noble',
  '@napi-rs/blake-hash',
  '@stoprocent/bleno',
  'blake3-wasm',
  'classic-level',
]

/** npm as a user runs it: nothing of this workspace's run in its environment. */
function npm(args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  return run('npm', [...args], { cwd, env, shell: isWindows, maxBuffer: 64 * 1024 * 1024 })
}

describe('the packed command line', () => {
  it('names its dependencies exactly, and no others than were agreed', async () => {
    const manifest = JSON.parse(await readFile(path.join(APP, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
      optionalDependencies: Record<string, string>
    }
    const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies }
    expect(Object.keys(dependencies).sort()).toEqual(AGREED_DEPENDENCIES)
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+(-\d+)?$/)
  })

  it('is one tarball that installs into an empty prefix and works there', async () => {
    const directory = await temporaryDirectory()
    await npm(['pack', '--pack-destination', directory], APP)
    const [tarball, ...others] = await readdir(directory)
    expect(others).toEqual([])

    const prefix = path.join(directory, 'prefix')
    await mkdir(prefix)
    await npm(['install', '--global', '--prefix', prefix, path.join(directory, tarball as string)], directory)
    const program = path.join(prefix, isWindows ? 'dittofs.cmd' : 'bin/dittofs')
    const dittofs = (...args: string[]) =>
      run(program, args, {
        cwd: directory,
        env: { ...process.env, DITTOFS_HOME: path.join(directory, 'home') },
        shell: isWindows,
      })

    expect((await dittofs('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    await mkdir(path.join(directory, 'photos'))
    await writeFile(path.join(directory, 'photos', 'notes.txt'), 'kept')
    await dittofs('add', 'photos')
    const { stdout } = await dittofs('list', '--json')
    expect((JSON.parse(stdout) as { path: string }[]).map((entry) => entry.path)).toEqual([
      'photos',
      'photos/notes.txt',
    ])
    await dittofs('get', 'photos/notes.txt', '-o', 'out')
    expect(await readFile(path.join(directory, 'out'), 'utf8')).toBe('kept')
  })
})

import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { writeSampleTree } from './support/sample-tree.ts'
import { missingPrograms, mustRun, serveWebdav } from './support/webdav.ts'

const isRoot = process.getuid?.() === 0
const skip = skipBecause(
  process.platform === 'linux' && isRoot
    ? (missingPrograms('mount.davfs', 'git', 'unshare') ??
        (existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse'))
    : 'davfs2 is mounted by root on Linux',
)

/** Kernels from 6.16 on ask for more names at once than the 16 KiB that davfs2 takes unless it is told. */
const CONFIGURATION = ['ask_auth 0', 'gui_optimize 0', 'delay_upload 0', 'buf_size 128', 'use_locks 1']

/**
 * Runs a shell script with the working directory in a mounted volume, unmounts it, which waits for all uploads, and runs
 * `check` in one that is mounted anew: what it sees is what the gateway has. The mounts are in a namespace of their own.
 */
async function inMount(url: string, script: string, check: string): Promise<string> {
  const directory = await temporaryDirectory()
  await writeFile(path.join(directory, 'davfs2.conf'), `${CONFIGURATION.join('\n')}\n`)
  await mkdir(path.join(directory, 'mount'))
  const mounted = (body: string) =>
    [
      // It escapes the URL itself.
      `mount.davfs -o conf=${directory}/davfs2.conf '${decodeURI(url)}' ${directory}/mount`,
      `( cd ${directory}/mount`,
      body,
      ') || status=$?',
      `umount ${directory}/mount`,
      '[ "$status" = 0 ] || exit "$status"',
    ].join('\n')
  await writeFile(path.join(directory, 'run.sh'), ['set -e', 'status=0', mounted(script), mounted(check)].join('\n'))
  const args = ['--mount', '--propagation', 'private', 'sh', '-e', path.join(directory, 'run.sh')]
  return (await mustRun('unshare', args, { cwd: directory })).stdout.toString()
}

describe.skipIf(skip)('a space mounted by davfs2', () => {
  async function withLocal() {
    const local = await temporaryDirectory()
    await writeSampleTree(local, 7)
    await writeFile(path.join(local, 'run.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
    return { local, ...(await serveWebdav()) }
  }

  it('takes what cp and tar put there, with times and what may be run', async () => {
    const { local, url } = await withLocal()
    const out = await inMount(
      url,
      `set -e; cp -a ${local} copied; mkdir unpacked; tar -C ${local} -c . | tar -x -C unpacked`,
      `set -e; for it in copied unpacked; do diff -r ${local} $it; ./$it/run.sh; done`,
    )
    expect(out).toContain('ran\nran\n')
  })

  it('is a place for a git repository', async () => {
    const { local, url } = await withLocal()
    const git = 'git -c user.name=alice -c user.email=alice@example.org'
    await mustRun('sh', ['-ec', `git init -q && git add -A && ${git} commit -qm one`], { cwd: local })
    const out = await inMount(
      url,
      `set -e; git clone -q ${local} clone; cd clone; echo changed > plain.txt; ${git} commit -qam two; git gc -q`,
      `set -e; cd clone; git fsck --strict; git status --porcelain; git log --format=%s; cat plain.txt`,
    )
    expect(out).toBe('two\none\nchanged\n')
  })

  it('shows nothing changed in a repository that was just cloned, and keeps what may be run when it is written anew', async () => {
    const { local, url } = await withLocal()
    const git = 'git -c user.name=alice -c user.email=alice@example.org'
    await mustRun('sh', ['-ec', `git init -q && git add -A && ${git} commit -qm one`], { cwd: local })
    const out = await inMount(
      url,
      `set -e; git clone -q --depth 1 file://${local} clone; cp -a clone/run.sh made.sh; echo echo more > made.sh`,
      `set -e; cd clone; git status --porcelain; ./run.sh; ../made.sh; cd ..; ls lost+found`,
    )
    expect(out).toBe('ran\nmore\n')
  })

  it('keeps a document that is saved under another name and renamed', async () => {
    const { url, volume } = await withLocal()
    const save = (text: string) => `echo '${text}' > .doc.tmp; mv .doc.tmp document`
    const out = await inMount(
      url,
      `set -e; ${save('one')}; ${save('two')}; rm -rf none; mkdir d; rmdir d`,
      'cat document; ls -A',
    )
    expect(out).toBe('two\ndocument\nlost+found\n')
    const { entries } = await volume.readDirectory(volume.root, { after: 0n, limit: 10 })
    expect(entries.map(({ name }) => name)).toEqual(['document'])
  })

  it('takes what npm installs', async () => {
    const { local, url } = await withLocal()
    const dependency = path.join(local, 'dependency')
    await mkdir(dependency)
    await writeFile(path.join(dependency, 'package.json'), JSON.stringify({ name: 'dependency', version: '1.0.0' }))
    await writeFile(path.join(dependency, 'index.js'), 'module.exports = 42\n')
    await mustRun('npm', ['pack', '--silent', '--pack-destination', local], { cwd: dependency })
    const install = 'npm install --silent --offline --no-audit --no-fund'
    const out = await inMount(
      url,
      `set -e; mkdir project; cd project; echo '{"name":"project","version":"1.0.0"}' > package.json; ${install} ${local}/dependency-1.0.0.tgz`,
      `cd project && node -p 'require("dependency")' && ls node_modules`,
    )
    expect(out).toBe('42\ndependency\n')
  })
})

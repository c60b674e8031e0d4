import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fixedCredentials } from '@dittofs/gateway-webdav'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { writeSampleTree } from './support/sample-tree.ts'
import { missingPrograms, mustRun, runProgram, serveWebdav } from './support/webdav.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(skipBecause(missingPrograms('rclone')))('rclone', () => {
  async function withRclone(vendor = 'other') {
    const verify = fixedCredentials({ users: { alice: 'secret' } })
    const served = await serveWebdav({ verify, isLoopbackOpen: false })
    const directory = await temporaryDirectory()
    const pass = (await mustRun('rclone', ['obscure', 'secret'])).stdout.toString().trim()
    const env = {
      RCLONE_CONFIG: path.join(directory, 'rclone.conf'),
      RCLONE_CONFIG_DAV_TYPE: 'webdav',
      RCLONE_CONFIG_DAV_URL: served.url,
      RCLONE_CONFIG_DAV_VENDOR: vendor,
      RCLONE_CONFIG_DAV_USER: 'alice',
      RCLONE_CONFIG_DAV_PASS: pass,
    }
    await writeFile(env.RCLONE_CONFIG, '')
    const local = path.join(directory, 'local')
    await mkdir(local)
    await writeSampleTree(local, 1)
    const rclone = async (...args: string[]) => (await mustRun('rclone', args, { env })).stdout.toString()
    return { ...served, rclone, local, directory }
  }

  it('copies a tree, syncs what changed, and finds every byte the same', async () => {
    const { rclone, local } = await withRclone()
    await rclone('copy', local, 'dav:tree')
    await rclone('check', '--download', local, 'dav:tree')
    await writeFile(path.join(local, 'plain.txt'), 'changed and longer')
    await rm(path.join(local, 'odd'), { recursive: true })
    await writeFile(path.join(local, 'new'), pseudoRandomBytes(9, 2_000_000))
    await rclone('sync', '--ignore-times', local, 'dav:tree')
    await rclone('check', '--download', local, 'dav:tree')
    expect(await rclone('lsf', '-R', 'dav:tree')).not.toContain('odd')
  })

  it('brings a tree back, moves it, copies it on the server, and removes it', async () => {
    const { rclone, local, directory } = await withRclone()
    await rclone('copy', local, 'dav:tree')
    await rclone('moveto', 'dav:tree', 'dav:moved')
    await rclone('copy', 'dav:moved', 'dav:copied')
    await rclone('purge', 'dav:moved')
    await rclone('copy', 'dav:copied', path.join(directory, 'back'))
    await mustRun('diff', ['-r', local, path.join(directory, 'back')])
    expect(await rclone('lsf', 'dav:')).toBe('copied/\n')
  })

  it('keeps the times of files where it thinks that the server is one that can', async () => {
    const { rclone, local } = await withRclone('owncloud')
    await mustRun('touch', ['-d', '2001-09-09T01:46:40Z', path.join(local, 'plain.txt')])
    await rclone('copy', local, 'dav:tree')
    expect(await rclone('lsf', '--format', 't', 'dav:tree/plain.txt')).toMatch(/^2001-09-0[89]/)
  })
})

describe.skipIf(skipBecause(missingPrograms('curl')))('curl', () => {
  const bytes = Buffer.from(pseudoRandomBytes(3, 3_000_000))

  async function withFile() {
    const served = await serveWebdav()
    const directory = await temporaryDirectory()
    await writeFile(path.join(directory, 'up'), bytes)
    const curl = async (...args: string[]) =>
      (await mustRun('curl', ['-sS', '--fail', ...args], { cwd: directory })).stdout
    await curl('-T', 'up', `${served.url}file`)
    return { ...served, directory, curl, file: `${served.url}file` }
  }

  it('reads ranges, one and several', async () => {
    const { curl, file } = await withFile()
    expect((await curl('-r', '1000-1999', file)).equals(bytes.subarray(1000, 2000))).toBe(true)
    expect((await curl('-r', '-7', file)).equals(bytes.subarray(-7))).toBe(true)
    const parts = await curl('-r', '0-9,100-109', file)
    expect(parts.includes(bytes.subarray(0, 10)) && parts.includes(bytes.subarray(100, 110))).toBe(true)
  })

  it('goes on with a download that was cut', async () => {
    const { curl, file, directory } = await withFile()
    await curl('-o', 'down', file)
    await truncate(path.join(directory, 'down'), 1_234_567)
    await curl('-C', '-', '-o', 'down', file)
    expect(sha256(await readFile(path.join(directory, 'down')))).toBe(sha256(bytes))
  })

  it('sends a body of unknown length, and asks whether a file is newer', async () => {
    const { curl, file, directory } = await withFile()
    await mustRun('sh', ['-c', `cat up | curl -sS --fail -T - "${file}"`], { cwd: directory })
    expect(sha256(await curl(file))).toBe(sha256(bytes))
    await curl('-R', '-o', 'down', file)
    expect((await curl('-o', 'newer', '-z', 'down', '-w', '%{http_code}', file)).toString()).toBe('304')
  })

  it('is told when an upload cannot go on from the middle', async () => {
    const { file, directory } = await withFile()
    const { status } = await runProgram('curl', ['-sS', '--fail', '-C', '100', '-T', 'up', file], { cwd: directory })
    expect(status).not.toBe(0)
    expect(sha256((await mustRun('curl', ['-sS', file])).stdout)).toBe(sha256(bytes))
  })
})

describe.skipIf(skipBecause(missingPrograms('cadaver')))('cadaver', () => {
  it('makes, puts, gets, copies, moves, locks and removes', async () => {
    const { url } = await serveWebdav()
    const directory = await temporaryDirectory()
    await writeFile(path.join(directory, 'up'), pseudoRandomBytes(5, 100_000))
    const script = [
      'mkcol docs',
      'cd docs',
      'put up one',
      'lock one',
      'put up one',
      'discover one',
      'unlock one',
      'copy one two',
      'move two three',
      'propnames three',
      'ls',
      'get three down',
      'delete one',
      'cd ..',
      'ls docs',
      'quit',
    ]
    const input = `${script.join('\n')}\n`
    const { text } = await runProgram('cadaver', [url], { cwd: directory, input, env: { HOME: directory } })
    expect(text).not.toMatch(/failed|error/i)
    expect(text.match(/succeeded\./g)).toHaveLength(12)
    expect(text).toMatch(/three\s+100000/)
    expect(sha256(await readFile(path.join(directory, 'down')))).toBe(sha256(pseudoRandomBytes(5, 100_000)))
    expect(text.split('Listing collection').at(-1)).not.toContain('one')
  })
})

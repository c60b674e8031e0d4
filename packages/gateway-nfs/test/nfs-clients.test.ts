import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { served } from './nfs-fixture.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 15_000

/** Why the programs of libnfs cannot be used, if they cannot: Debian has them in libnfs-utils. */
function skipReason(): string | undefined {
  const missing = ['nfs-ls', 'nfs-cp', 'nfs-cat'].filter((program) => spawnSync(program, ['-?']).error !== undefined)
  if (missing.length === 0) return undefined
  const reason = `${missing.join(', ')} not installed; apt-get install libnfs-utils`
  if (process.env.DITTOFS_TEST_ALL === '1')
    throw new Error(`a test would be skipped although DITTOFS_TEST_ALL=1: ${reason}`)
  process.stderr.write(`skipped: ${reason}\n`)
  return reason
}

const isSkipped = skipReason() !== undefined

async function withLibnfs() {
  const all = await served()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dittofs-nfs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const url = (name: string): string =>
    `nfs://127.0.0.1/space${name}?nfsport=${all.port}&mountport=${all.port}&version=3`
  const tool = async (program: string, ...args: string[]): Promise<Buffer> => {
    const options = { encoding: 'buffer', timeout: TIMEOUT_MS, maxBuffer: 64 * 2 ** 20 } as const
    return (await run(program, args, options)).stdout
  }
  return { ...all, folder, url, tool }
}

describe.skipIf(isSkipped)('libnfs', () => {
  it('copies a file in and out, byte for byte', async () => {
    const { folder, url, tool, volume } = await withLibnfs()
    const bytes = Buffer.from(pseudoRandomBytes(6, 9 * 2 ** 20 + 5))
    const [source, back] = [path.join(folder, 'source'), path.join(folder, 'back')]
    await writeFile(source, bytes)
    await tool('nfs-cp', source, url('/photo.jpg'))
    expect((await volume.lookup(volume.root, 'photo.jpg')).attributes.size).toBe(bytes.length)
    expect((await tool('nfs-cat', url('/photo.jpg'))).equals(bytes)).toBe(true)
    await tool('nfs-cp', url('/photo.jpg'), back)
    expect((await readFile(back)).equals(bytes)).toBe(true)
  })

  it('lists a large directory, and one below with all names of it', async () => {
    const { url, tool, volume } = await withLibnfs()
    const { handle } = await volume.makeDirectory(volume.root, 'album', 0o755)
    const names = Array.from({ length: 3000 }, (_, i) => `picture ${i} ä.jpg`)
    for (const name of names) await volume.create(handle, name, { mode: 0o640, rule: 'guarded' })
    const lines = (await tool('nfs-ls', url('/album'))).toString().trim().split('\n')
    expect(lines.map((line) => line.replace(/^.*?(?=picture)/, '')).sort()).toEqual([...names].sort())
    expect(lines[0]).toMatch(/^-rw-r----- +1 +501 +502 +0 picture/)
    const tree = (await tool('nfs-ls', '-R', url(''))).toString()
    expect(tree).toMatch(/^drwxr-xr-x .* album$/m)
    expect(tree).toContain('picture 2999')
  })

  it('hears of what is not there', async () => {
    const { url, tool } = await withLibnfs()
    await expect(tool('nfs-cat', url('/nothing'))).rejects.toMatchObject({ code: expect.any(Number) as number })
    await expect(tool('nfs-ls', url('/no/such/place'))).rejects.toMatchObject({ code: expect.any(Number) as number })
  })

  it('reads what another gateway client writes meanwhile', async () => {
    const { url, tool, client, root } = await withLibnfs()
    const { handle } = await client.create(root, 'f', 0, {})
    await client.write(handle, 0n, Buffer.from('first'))
    expect((await tool('nfs-cat', url('/f'))).toString()).toBe('first')
    await client.write(handle, 0n, Buffer.from('second'))
    expect((await tool('nfs-cat', url('/f'))).toString()).toBe('second')
  })
})

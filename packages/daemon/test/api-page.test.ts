import { readFile, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

const PAGE = fileURLToPath(new URL('../../../docs/api.md', import.meta.url))

/** The code of the page as a module whose free names are parameters. */
async function programOfPage(): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  const code = /```ts\n(.*?)```/s.exec(page)?.[1]
  if (code === undefined) throw new Error('docs/api.md has no code')
  const [imports, ...statements] = code.split('\n\n')
  // Devices of a test find each other on this machine alone.
  const local = statements
    .join('\n\n')
    .replaceAll('online: true', "online: true, host: '127.0.0.1', mdns: false, beacon: false")
  return `${imports}\n\nexport async function run(aliceHome: string, bobHome: string, file: string, console: { log: (...line: unknown[]) => void }): Promise<void> {\n${local}\n}\n`
}

describe('docs/api.md', () => {
  it('has code that runs as it stands', async () => {
    const directory = await temporaryDirectory()
    const file = path.join(directory, 'film.mp4')
    await writeFile(file, pseudoRandomBytes(1, 1_000_000))
    const module = fileURLToPath(new URL('./api-page.generated.ts', import.meta.url))
    await writeFile(module, await programOfPage())
    onTestFinished(() => unlink(module))
    const { run } = (await import(pathToFileURL(module).href)) as {
      run: (...values: [string, string, string, { log: (...line: unknown[]) => void }]) => Promise<void>
    }
    const printed: string[] = []
    const log = (...line: unknown[]) => void printed.push(line.join(' '))
    await run(path.join(directory, 'alice'), path.join(directory, 'bob'), file, { log })
    expect(printed).toEqual([
      'added film.mp4, 1000000 new bytes',
      'joined home of alice',
      'film.mp4 1000000 0 chunks missing',
      'read 1000000 bytes',
    ])
  })
})

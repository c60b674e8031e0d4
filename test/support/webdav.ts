import { spawn, spawnSync } from 'node:child_process'
import { type WebdavGatewayInit, webdavGateway } from '@dittofs/gateway-webdav'
import { type MemoryVolume, memoryVolume, temporaryDirectory } from '@dittofs/testing'
import { onTestFinished } from 'vitest'

/** Why a test with these programs cannot run; `undefined` when it can. */
export function missingPrograms(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed`
}

export interface WebdavUnderTest {
  readonly volume: MemoryVolume
  readonly port: number
  /** Of the volume's root, with `/` at its end. */
  readonly url: string
}

/** A gateway over a volume in memory, open to this machine unless `init` says otherwise; stopped when the test ends. */
export async function serveWebdav(init: Partial<WebdavGatewayInit> = {}): Promise<WebdavUnderTest> {
  const volume = memoryVolume({ maxBytes: 2 ** 30 })
  const gateway = webdavGateway({
    exports: [{ name: 'my space', volume, isReadOnly: false }],
    isLoopbackOpen: true,
    spoolDirectory: await temporaryDirectory(),
    ...init,
  })
  const { port } = await gateway.serve()
  onTestFinished(() => gateway.stop())
  return { volume, port, url: `http://127.0.0.1:${port}/my%20space/` }
}

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

export interface ProgramResult {
  readonly status: number | null
  readonly stdout: Buffer
  /** Standard output and standard error, as they came. */
  readonly text: string
}

/** Runs a program to its end; the gateway goes on in this process meanwhile. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const { cwd, env = {}, input } = options
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env } })
    const [out, all]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (piece: Buffer) => {
      out.push(piece)
      all.push(piece)
    })
    child.stderr.on('data', (piece: Buffer) => all.push(piece))
    child.on('error', reject)
    child.on('close', (status) => {
      resolve({ status, stdout: Buffer.concat(out), text: Buffer.concat(all).toString() })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** Runs a program that must succeed. @throws Error with what it wrote */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const result = await runProgram(program, args, options)
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${result.status}:\n${result.text}`)
  return result
}

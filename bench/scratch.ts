import { spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A folder for one benchmark, removed afterwards. `DITTOFS_BENCH_DIR` puts it on the disk to be measured. */
export async function withScratch<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(process.env.DITTOFS_BENCH_DIR ?? tmpdir(), 'dittofs-bench-'))
  try {
    return await body(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Milliseconds that `body` takes. */
export async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await body()
  return performance.now() - start
}

/** Copies a file and syncs the copy: what any program must at least do to keep it. */
export async function copyAndSync(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  const handle = await open(to, 'r+')
  await handle.sync()
  await handle.close()
}

/**
 * Brings the machine to a known state before a timed step: what was written before is on disk, and `mebibytes` of
 * memory have been touched, because a virtual machine that handed free pages back to its host makes the first use of
 * a page up to ten times dearer.
 */
export function settle(mebibytes = 2048): void {
  spawnSync('sync')
  const touch = `let left=${mebibytes};const keep=[];while(left>0){const n=Math.min(left,512);keep.push(Buffer.alloc(n*1048576,1));left-=n}`
  spawnSync(process.execPath, ['-e', touch])
}

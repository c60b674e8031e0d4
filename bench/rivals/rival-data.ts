import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { randomBytes, seededRandom, writeLargeFile } from '../../test/support/tree.ts'
import { KIB } from '../units.ts'

/** The name of the directory of many files, and of the one large file. */
export const TREE = 'tree'
export const LARGE = 'file.bin'
const FILES_A_DIRECTORY = 50
const MAX_FILE_KIB = 64

/**
 * Writes files of 1 to 64 KiB, as many of 1 to 2 KiB as of 32 to 64, 15 KiB in the mean.
 *
 * @returns how many bytes they hold
 */
export async function writeTree(root: string, files: number): Promise<number> {
  const random = seededRandom(7)
  let total = 0
  for (let at = 0; at < files; at++) {
    const directory = path.join(root, `directory ${Math.floor(at / FILES_A_DIRECTORY)}`)
    if (at % FILES_A_DIRECTORY === 0) await mkdir(directory, { recursive: true })
    const bytes = Math.floor(KIB * MAX_FILE_KIB ** random())
    await writeFile(path.join(directory, `file ${at}.bin`), randomBytes(bytes, at))
    total += bytes
  }
  return total
}

export async function writeLarge(file: string, bytes: number): Promise<void> {
  await writeLargeFile(file, bytes, 3)
}

/** A copy with the same times, on disk when this returns. */
export function copyInto(original: string, directory: string): void {
  execFileSync('cp', ['-a', original, directory])
}

/** @throws Error where the target does not hold what the source holds, but for the marks that programs leave */
export function requireSame(source: string, target: string): void {
  const marks = ['.stfolder', '.dittofs-folder'].flatMap((name) => ['-x', name])
  execFileSync('diff', ['-rq', ...marks, source, target], { stdio: ['ignore', 'inherit', 'inherit'] })
}

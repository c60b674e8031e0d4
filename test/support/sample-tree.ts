import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pseudoRandomBytes } from '@dittofs/testing'

/** Sizes at which programs change what they do: nothing, one byte, about a read of the gateway, more than memory holds. */
const SIZES = [0, 1, 4095, 524_288, 524_289, 3_000_000]

/** Writes a directory with names and sizes that clients have trouble with. The same for the same seed. */
export async function writeSampleTree(directory: string, seed: number): Promise<void> {
  const names = ['plain.txt', 'with space', 'ümläut 日本', '100% & more #1?.txt', 'quote\'"<b>', '+plus;semi=eq,~.bin']
  for (const [index, name] of names.entries()) {
    const below = path.join(directory, index % 2 === 0 ? 'even' : path.join('odd', 'deeper é'))
    await mkdir(below, { recursive: true })
    await writeFile(path.join(below, name), pseudoRandomBytes(seed + index, SIZES[index] as number))
    await writeFile(path.join(directory, name), `${name} ${seed}`)
  }
}

import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { randomBytes } from '../test/support/tree.ts'

const PIECE_BYTES = 4 * 1024 * 1024
/** The held part is cut in two, which stand in other files behind so many bytes of something else. */
const SHIFTS = [12_345, 777] as const

export interface PartlyHeldFileInit {
  file: string
  /** Directory that gets the files which hold a share of the content. */
  held: string
  bytes: number
  /** Percent. */
  share: number
  seed: number
}

/**
 * Writes a file, and two others that together hold a share of its content: its first half's share in one, its second half's
 * in the other, each at another alignment.
 */
export async function partlyHeldFile({ file, held, bytes, share, seed }: PartlyHeldFileInit): Promise<void> {
  await mkdir(held)
  const whole = await open(file, 'w')
  const half = Math.floor(bytes / 2)
  try {
    for (const [at, shift] of SHIFTS.entries()) {
      const part = await open(path.join(held, `other name ${seed} ${at}.bin`), 'w')
      try {
        await part.write(randomBytes(shift, seed + 500 + at))
        const heldBytes = Math.floor((half * share) / 100)
        for (let done = 0; done < half; ) {
          const end = done < heldBytes ? heldBytes : half
          const size = Math.min(PIECE_BYTES, end - done)
          const piece = randomBytes(size, (seed * 7 + at) * 100_000 + done / 64)
          await whole.write(piece)
          if (done < heldBytes) await part.write(piece)
          done += size
        }
        await part.write(randomBytes(shift, seed + 700 + at))
      } finally {
        await part.close()
      }
    }
  } finally {
    await whole.close()
  }
}

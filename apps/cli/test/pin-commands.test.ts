import type { Pins } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { runCli } from './support/run-cli.ts'

const withPins = (pins: Partial<Pins>) => ({ device: { pins: pins as Pins } })

describe('pin and unpin', () => {
  it('say what is covered and what has to come', async () => {
    const pin: Pins['pin'] = async (path, options) => {
      expect(options?.directory).toBe('/files')
      return { path, files: 2, missingBytes: 2048 }
    }
    expect((await runCli(['pin', 'photos'], withPins({ pin }))).stdout).toBe(
      'Pinned photos: 2 files, 2.00 KiB to fetch.\n',
    )
    const unpin: Pins['unpin'] = async (path) => ({ path, was: 'pinned' })
    expect((await runCli(['unpin', 'photos'], withPins({ unpin }))).stdout).toBe('photos is not pinned any more.\n')
  })
})

describe('evict', () => {
  it('names what stays here, and ends with status 1 then', async () => {
    const skipped = [{ path: 'films/b', code: 'DITTO_CHUNK_MISSING', reason: 'No connected device keeps it.' }]
    const evict: Pins['evict'] = async (path) => ({ path, files: 1, bytes: 4096, freedBytes: 1024, skipped })
    const { status, stdout, stderr } = await runCli(['evict', 'films'], withPins({ evict }))
    expect(status).toBe(1)
    expect(stdout).toBe('Evicted 1 file (4.00 KiB); 1.00 KiB of disk were freed.\n')
    expect(stderr).toBe('dittofs: stays here: films/b: No connected device keeps it.\n')
  })
})

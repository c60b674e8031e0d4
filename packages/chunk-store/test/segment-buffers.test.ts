import { describe, expect, test, vi } from 'vitest'
import { loadBlake3 } from '../src/blake3.ts'
import { findChunkEnd } from '../src/chunker.ts'
import { FileImportJob } from '../src/file-import-job.ts'
import { SegmentBuffers } from '../src/segment-buffers.ts'
import { SEGMENT_BUFFERS, SEGMENT_BYTES } from '../src/worker-messages.ts'

describe.each([
  ['with a kernel', () => SegmentBuffers.withKernel()],
  ['without one', () => SegmentBuffers.plain()],
])('segment buffers %s', (_, make) => {
  test('are as many as agreed, apart, and shared', async () => {
    const buffers = make()
    const taken = await Promise.all(Array.from({ length: SEGMENT_BUFFERS }, () => buffers.acquire()))
    for (const { nth, bytes } of taken) bytes.fill(nth + 1)
    for (const { nth, bytes } of taken) {
      expect(bytes.length).toBe(SEGMENT_BYTES)
      expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
      expect([bytes[0], bytes.at(-1)]).toEqual([nth + 1, nth + 1])
    }
  })

  test('are waited for while all are handed over', async () => {
    const buffers = make()
    for (let nth = 0; nth < SEGMENT_BUFFERS; nth++) await buffers.acquire()
    const waiting = [buffers.acquire(), buffers.acquire()]
    buffers.release(1)
    expect((await waiting[0])?.nth).toBe(1)
    buffers.release(0)
    expect((await waiting[1])?.nth).toBe(0)
  })
})

test('segment buffers do without a kernel where WebAssembly has no memory to give', async () => {
  vi.stubGlobal('WebAssembly', undefined)
  const buffers = SegmentBuffers.withKernel()
  vi.unstubAllGlobals()
  expect(buffers.findFastCdcEnd).toBe(findChunkEnd('fastcdc'))
  expect((await buffers.acquire()).bytes.length).toBe(SEGMENT_BYTES)
})

test('segment buffers are all there again after an import that failed', async () => {
  const buffers = SegmentBuffers.plain()
  const job = new FileImportJob({
    blake3: loadBlake3(),
    buffers,
    files: [{ path: '/nowhere', chunker: 'fastcdc', expected: undefined }],
    onSegment: () => {
      throw new Error('nobody takes it')
    },
  })
  await expect(job.run()).rejects.toThrow('nobody takes it')
  const taken = await Promise.all(Array.from({ length: SEGMENT_BUFFERS }, () => buffers.acquire()))
  expect(taken.map(({ nth }) => nth).sort()).toEqual([0, 1, 2])
})

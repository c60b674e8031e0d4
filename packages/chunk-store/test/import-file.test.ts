import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ChunkStore } from '@dittofs/interface'
import { ALICE_SPACE, BOB_SPACE, pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packChunkStore } from '../src/index.ts'

let directory: string
let store: ChunkStore

beforeEach(async () => {
  directory = await temporaryDirectory()
  store = packChunkStore({ directory: path.join(directory, 'store'), workers: 2 })
  await store.open()
})
afterEach(() => store.close())

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const file = path.join(directory, name)
  await writeFile(file, bytes)
  return file
}

describe('importFile', () => {
  test('refuses a FIFO at once instead of waiting for its writer', async () => {
    const fifo = path.join(directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    await expect(store.importFile(ALICE_SPACE, fifo)).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
  })

  test('refuses a device', async () => {
    await expect(store.importFile(ALICE_SPACE, '/dev/zero')).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
  })

  test('refuses a file that grows while it is read', async () => {
    const file = await fileOf('growing', pseudoRandomBytes(1, 24 * 1024 * 1024))
    let isGrown = false
    const importing = store.importFile(ALICE_SPACE, file, {
      onProgress: () => {
        if (!isGrown) appendFileSync(file, 'more')
        isGrown = true
      },
    })
    await expect(importing).rejects.toMatchObject({ code: 'DITTO_FILE_CHANGED' })
    expect(isGrown).toBe(true)
  })

  test('stops a long import when its signal says so, and goes on with the others', async () => {
    const long = await fileOf('long', pseudoRandomBytes(1, 24 * 1024 * 1024))
    const short = await fileOf('short', pseudoRandomBytes(2, 100))
    const controller = new AbortController()
    const importing = store.importFile(ALICE_SPACE, long, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('not wanted')),
    })
    const [outcome, other] = await Promise.allSettled([importing, store.importFile(ALICE_SPACE, short)])
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'not wanted' } })
    expect(other).toMatchObject({ status: 'fulfilled', value: { size: 100 } })
  })

  test('rejects files that still wait for a worker when their signal says so', async () => {
    const file = await fileOf('file', pseudoRandomBytes(1, 1000))
    const controller = new AbortController()
    const { signal } = controller
    const importing = Array.from({ length: 8 }, () => store.importFile(ALICE_SPACE, file, { signal }))
    controller.abort(new Error('not wanted'))
    for (const outcome of await Promise.allSettled(importing)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'not wanted' } })
    }
    expect((await store.stats()).chunks).toBe(0)
  })

  test('keeps its manifests and chunks apart by space', async () => {
    const file = await fileOf('file', pseudoRandomBytes(1, 1024 * 1024))
    const { content } = await store.importFile(ALICE_SPACE, file)
    if (content.kind !== 'manifest') throw new Error('a mebibyte has a manifest')
    expect(await store.has(ALICE_SPACE, [content.root])).toEqual([true])
    expect(await store.has(BOB_SPACE, [content.root])).toEqual([false])
  })

  test('imports many files of all sizes at once, bad ones among them', async () => {
    const tree = path.join(directory, 'tree')
    await mkdir(tree)
    const sizes = Array.from({ length: 150 }, (_, nth) => (nth % 50 === 49 ? 9 * 1024 * 1024 : (nth * 7919) % 60_000))
    const files = sizes.map((_, nth) => path.join(tree, String(nth)))
    const isAbsent = (nth: number) => nth % 10 === 3
    for (const [nth, file] of files.entries()) {
      if (!isAbsent(nth)) await writeFile(file, pseudoRandomBytes(nth, sizes[nth] as number))
    }
    const results = await Promise.allSettled(files.map((file) => store.importFile(ALICE_SPACE, file)))
    for (const [nth, result] of results.entries()) {
      if (isAbsent(nth)) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DITTO_NOT_FOUND' } })
      else expect(result).toMatchObject({ status: 'fulfilled', value: { size: sizes[nth] } })
    }
    for await (const damage of store.verify()) expect(damage).toBeUndefined()
  })

  test('gives the same content whatever implementation of BLAKE3 hashes it', async () => {
    const file = await fileOf('file', pseudoRandomBytes(1, 1024 * 1024))
    const wasm = packChunkStore({ directory: path.join(directory, 'wasm'), workers: 1, blake3: 'wasm' })
    await wasm.open()
    expect(await wasm.importFile(ALICE_SPACE, file)).toEqual(await store.importFile(ALICE_SPACE, file))
    await wasm.close()
  })

  test('leaves the file as it was', async () => {
    const bytes = pseudoRandomBytes(1, 100_000)
    const file = await fileOf('file', bytes)
    await store.importFile(ALICE_SPACE, file)
    expect((await readFile(file)).equals(bytes)).toBe(true)
  })
})

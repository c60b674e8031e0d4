import path from 'node:path'
import { type ChunkId, chunkId } from '@dittofs/interface'
import * as v from 'valibot'

export const text = v.string()
export const flag = v.exactOptional(v.boolean())
export const space = v.exactOptional(text)
export const milliseconds = v.exactOptional(v.pipe(v.number(), v.finite(), v.minValue(0)))
export const offset = v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)))
export const localPath = v.pipe(
  text,
  v.check((value) => path.isAbsolute(value) && !value.includes('\0'), 'expected an absolute path'),
)
export const chunk = v.custom<ChunkId>((value) => chunkId.is(value), 'expected a chunk ID of 64 hex digits')
export const target = { space, output: v.exactOptional(localPath), directory: localPath }

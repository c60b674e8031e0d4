import { packChunkStore } from '@dittofs/chunk-store'
import type { CreateStore } from './own-store.ts'

/** The store that patterns of a check go through. Without workers: it is opened for a moment, and starting them takes longer. */
export const checkStore: CreateStore = (directory) => packChunkStore({ directory, workers: 0 })

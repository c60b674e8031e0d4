import type { SpaceId } from '@dittofs/interface'
import type { FolderState } from '@dittofs/live-folder'
import { describe, expect, it } from 'vitest'
import { describeFolder } from '../src/folders/describe-folder.ts'

const BASE = {
  ...{ id: 'f', directory: '/files', mode: 'two-way' as const, path: '' },
  space: { id: 's' as SpaceId, name: 'home' },
}
const STATE: FolderState = {
  ...{ id: 'f', mode: 'two-way', activity: 'syncing', files: 1, directories: 0, symlinks: 0, bytes: 5 },
  ...{ waiting: 0, waitingBytes: 0, untaken: 0, unsettled: 0, problems: [] },
}

describe('describeFolder', () => {
  it('reckons the time that is left from the bytes that are done, or from the steps where there are none', () => {
    const progress = { steps: 10, doneSteps: 5, bytes: 1000, doneBytes: 250, elapsedMs: 3000 }
    expect(describeFolder(BASE, { ...STATE, progress }).progress).toMatchObject({ bytesDone: 250, etaMs: 9000 })
    const moves = { ...progress, bytes: 0, doneBytes: 0 }
    expect(describeFolder(BASE, { ...STATE, progress: moves }).progress).toMatchObject({ etaMs: 3000 })
  })

  it('says nothing of the time before anything is done, and in the first moment', () => {
    const progress = { steps: 10, doneSteps: 0, bytes: 1000, doneBytes: 0, elapsedMs: 3000 }
    expect(describeFolder(BASE, { ...STATE, progress }).progress).not.toHaveProperty('etaMs')
    const early = { ...progress, doneBytes: 500, elapsedMs: 100 }
    expect(describeFolder(BASE, { ...STATE, progress: early }).progress).not.toHaveProperty('etaMs')
  })

  it('reckons what has to come by the rate at which content comes', () => {
    const state = { ...STATE, waiting: 2, waitingBytes: 6000 }
    expect(describeFolder(BASE, state, 2000)).toMatchObject({ waitingFiles: 2, waitingBytes: 6000, waitingEtaMs: 3000 })
    expect(describeFolder(BASE, state, 0)).not.toHaveProperty('waitingEtaMs')
  })
})

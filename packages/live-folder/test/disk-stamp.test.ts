import { expect, it } from 'vitest'
import { type DiskStamp, isSameStamp } from '../src/index.ts'

const stamp: DiskStamp = {
  ...{ kind: 'file', dev: 1n, ino: 2n, size: 3, mode: 0o644 },
  ...{ mtimeNs: 4n, ctimeNs: 5n, birthtimeNs: 6n },
}

it('takes a file for unchanged only where size, times, mode and inode are equal', () => {
  expect(isSameStamp(stamp, { ...stamp })).toBe(true)
  for (const change of [{ ino: 9n }, { size: 9 }, { mode: 0o600 }, { mtimeNs: 9n }, { ctimeNs: 9n }]) {
    expect(isSameStamp(stamp, { ...stamp, ...change })).toBe(false)
  }
})

it('leaves out the time of the last status change for a file that was renamed', () => {
  expect(isSameStamp(stamp, { ...stamp, ctimeNs: 9n }, true)).toBe(true)
})

it('takes a directory for unchanged whatever its times are: its names are compared one by one', () => {
  const directory = { ...stamp, kind: 'directory' as const }
  expect(isSameStamp(directory, { ...directory, mtimeNs: 9n, ctimeNs: 9n })).toBe(true)
})

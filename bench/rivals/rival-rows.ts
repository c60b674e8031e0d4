import type { Samples } from '../subject.ts'
import type { BenchRow } from '../table.ts'
import { KIB, kibibytes, mebibytes, milliseconds, seconds } from '../units.ts'
import type { Rival, RivalStep } from './rival.ts'

/** The contenders of each step. */
export type RivalKeys = Readonly<Record<RivalStep, readonly Rival[]>>

export interface RivalSizes {
  readonly files: number
  readonly bytes: number
  readonly writes: number
}

const TREE_AIMS: Readonly<Record<string, string>> = {
  'raw-tls-tree': 'at least 0.70 x as fast',
  'rsync-ssh': 'at least 1 x',
  syncthing: 'at least 10 x',
}
const FILE_AIMS: Readonly<Record<string, string>> = {
  'raw-tls-file': 'at most 1.5',
  'rsync-ssh': 'at most 1',
  syncthing: 'at most 1',
}

/** A row for each contender beside DittoFS, step by step. */
export function rivalRows(samples: Samples, running: RivalKeys, sizes: RivalSizes): readonly BenchRow[] {
  return [
    ...treeRows(samples, running.tree, sizes.files),
    ...renameRows(samples, running.tree, sizes.files),
    ...fileRows(samples, running.file, sizes.bytes),
    ...oneRows(samples, running.one, sizes),
  ]
}

const others = (running: readonly Rival[]) => running.filter(({ key }) => !key.startsWith('dittofs'))

function treeRows({ of, ratio }: Samples, running: readonly Rival[], files: number): BenchRow[] {
  const rate = (key: string) => {
    const time = of(`tree ${key} time`)
    return `${(files / (time / 1000)).toFixed(0)} files/s (${seconds(time)})`
  }
  return others(running).map(({ key, title }) => ({
    work: `${files} files of 1 to 64 KiB, ${mebibytes(of('tree bytes'))}, live folder to live folder`,
    measured: rate('dittofs'),
    baseline: `${title}: ${rate(key)}`,
    ratio: `${ratio(`tree ${key} time`, 'tree dittofs time').toFixed(2)} x as fast`,
    aim: TREE_AIMS[key] ?? '',
  }))
}

function renameRows({ of }: Samples, running: readonly Rival[], files: number): BenchRow[] {
  const shown = (key: string) =>
    `${kibibytes(of(`tree ${key} rename wire`))}, ${seconds(of(`tree ${key} rename time`))}`
  return others(running)
    .filter(({ canRename }) => canRename)
    .map(({ key, title }) => ({
      work: `rename of a directory of ${files} files: bytes on the wire, time`,
      measured: shown('dittofs'),
      baseline: `${title}: ${shown(key)}`,
      ratio: (of('tree dittofs rename time') / of(`tree ${key} rename time`)).toFixed(2),
      aim: `under ${kibibytes(16 * KIB)}, 0.5 s`,
    }))
}

function fileRows({ of, ratio }: Samples, running: readonly Rival[], bytes: number): BenchRow[] {
  const ours = running.filter(({ key }) => key.startsWith('dittofs'))
  return others(running).flatMap(({ key, title }) =>
    ours.map((own) => ({
      work: `${mebibytes(bytes)}, from "it is there" to verified and durable on the other (${own.title})`,
      measured: seconds(of(`file ${own.key} time`)),
      baseline: `${title}: ${seconds(of(`file ${key} time`))}`,
      ratio: ratio(`file ${own.key} time`, `file ${key} time`).toFixed(2),
      aim: FILE_AIMS[key] ?? '',
    })),
  )
}

function oneRows({ of, largest }: Samples, running: readonly Rival[], { files, writes }: RivalSizes): BenchRow[] {
  const shown = (key: string) =>
    `${milliseconds(of(`one ${key} middle`))}, worst ${milliseconds(largest(`one ${key} worst`))}`
  return others(running).map(({ key, title }) => ({
    work: `a new 1 KiB file among ${files}, median of ${writes}`,
    measured: shown('dittofs'),
    baseline: `${title}: ${shown(key)}`,
    ratio: (of('one dittofs middle') / of(`one ${key} middle`)).toFixed(3),
    aim: 'under 0.3 s',
  }))
}

import type { TestHost } from '../../test/support/network.ts'

/** What is measured: many small files and their rename, one large file, one new file among many. */
export const RIVAL_STEPS = ['tree', 'file', 'one'] as const
export type RivalStep = (typeof RIVAL_STEPS)[number]

/** Two hosts of their own and a disk of their own, for one contender and one step. */
export interface RivalSession {
  readonly step: RivalStep
  readonly from: TestHost
  readonly to: TestHost
  /** A directory at `from`, empty when the contender starts. */
  readonly source: string
  /** A directory at `to`, empty when the contender starts. */
  readonly target: string
  /** An empty directory for keys, settings and databases. */
  readonly state: string
}

/** A contender that runs. */
export interface RunningRival {
  /**
   * Brings what changed in the source to the target. The only thing that is timed, but for the step `one`.
   *
   * @param shows - a name in the target that is there, as it should be, only when it is done
   */
  sync(shows: string): Promise<void>
  /** Ends every process of it. */
  stop(): Promise<void>
}

/** One way to bring files from one machine to another. A new one is one file and one line in `rivals.ts`. */
export interface Rival {
  /** Short and without spaces, as `--against` takes it. */
  readonly key: string
  readonly title: string
  readonly steps: readonly RivalStep[]
  /** Whether it is measured when the directory of the step `tree` is renamed. */
  readonly canRename: boolean
  /** Whether the target holds the same files afterwards, to be compared with the source. */
  readonly makesFiles: boolean
  /** A program that is missing here; `undefined` when it can be run. */
  missing(): string | undefined
  start(session: RivalSession): Promise<RunningRival>
}

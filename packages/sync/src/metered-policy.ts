/** Which files come by themselves over links that cost money or battery, while nothing better leads to the devices. */
export const METERED_FILES = ['small', 'all', 'none'] as const
export type MeteredFiles = (typeof METERED_FILES)[number]

/** What metered links are used for beside metadata, and what a person asks for. */
export interface MeteredPolicy {
  readonly files: MeteredFiles
  /** A file of at most so many bytes is small. */
  readonly maxFileBytes: number
}

export const DEFAULT_METERED_POLICY: MeteredPolicy = { files: 'small', maxFileBytes: 1024 * 1024 }

import {
  type AbortOptions,
  DittoError,
  type FileContent,
  type FileVersion,
  type HistoryVersion,
  type RestoreOptions,
  type SpaceHistory,
} from '@dittofs/interface'
import type { HeldChunks } from '../content/held-chunks.ts'
import { nameOfDevice } from './device-names.ts'
import type { Target } from './find-target.ts'

/** Versions of one path that are shown. */
const MAX_VERSIONS = 1000

/** The versions of what stands, or stood, at a path, newest first. @throws DittoError DITTO_NOT_FOUND */
export async function versionsAt(
  history: SpaceHistory,
  { path }: Pick<Target, 'path'>,
): Promise<readonly HistoryVersion[]> {
  const versions = await history.versionsOf({ path }, { limit: MAX_VERSIONS })
  if (versions.length > 0) return versions
  throw new DittoError('DITTO_NOT_FOUND', `This device knows no version of ${JSON.stringify(path)}.`)
}

export async function describeVersions(
  versions: readonly HistoryVersion[],
  { space, path }: Target,
  held: HeldChunks,
  options: AbortOptions = {},
): Promise<readonly FileVersion[]> {
  const described: FileVersion[] = []
  let isDeleted = false
  for (const one of versions) {
    const { version, content } = one
    if (version === undefined || content === undefined) {
      isDeleted = one.isDeletion
      continue
    }
    const file = content.kind === 'file' ? content.file : undefined
    const [missing] = file === undefined ? [] : await held.missingOf(space.id, [file], options)
    const { mtimeNs, mode, size } = attributesOf(content)
    described.push({
      ...{ id: version, path: one.path ?? path, kind: content.kind, seenAt: one.seenAt },
      ...{ mtime: String(mtimeNs), size, mode, isDeleted },
      device: nameOfDevice(space, one.author),
      isCurrent: !isDeleted && space.metadata.find(one.node, version)?.version === version,
      missingBytes: missing?.bytes ?? 0,
      ...(one.mergedFrom === undefined ? {} : { mergedFrom: one.mergedFrom }),
    })
    isDeleted = false
  }
  return described
}

/**
 * The version that a person means.
 *
 * @throws DittoError DITTO_NOT_FOUND
 */
export function pickVersion(
  versions: readonly HistoryVersion[],
  { space, path }: Target,
  at: RestoreOptions['at'],
): HistoryVersion {
  const real = versions.filter(({ version }) => version !== undefined)
  const isShown = ({ node, version }: HistoryVersion) => space.metadata.find(node, version)?.version === version
  const found =
    typeof at === 'string'
      ? real.find(({ version }) => version === at)
      : typeof at === 'number'
        ? real.find(({ seenAt }) => seenAt <= at)
        : real.find((version) => !isShown(version))
  if (found !== undefined) return found
  const what =
    at === undefined
      ? 'no version before the current one'
      : typeof at === 'string'
        ? `no version ${JSON.stringify(at)}`
        : 'no version as old as that'
  throw new DittoError(
    'DITTO_NOT_FOUND',
    `This device knows ${what} of ${JSON.stringify(path)}; "dittofs history" shows those it knows.`,
  )
}

export function fileOf({ content }: HistoryVersion): FileContent | undefined {
  return content?.kind === 'file' ? content.file : undefined
}

function attributesOf(content: NonNullable<HistoryVersion['content']>) {
  switch (content.kind) {
    case 'file':
      return content.file
    case 'symlink':
      return { ...content.symlink, mode: 0o777, size: Buffer.byteLength(content.symlink.target) }
    case 'directory':
      return { ...content.directory, size: 0 }
  }
}

import type { FolderInfo } from '@dittofs/interface'
import type { FolderProblem, FolderState, ProblemKind } from '@dittofs/live-folder'

const MAX_PROBLEMS = 100

/** What stands of a folder without its state. */
type FolderBase = Pick<FolderInfo, 'id' | 'directory' | 'mode' | 'space' | 'path'>

/** A round that has not gone on for so long says nothing of how long it takes. */
const MIN_ELAPSED_MS = 500

/** A folder as a person sees it. @param bytesPerSecond - at which content of its space comes now */
export function describeFolder(base: FolderBase, state: FolderState, bytesPerSecond = 0): FolderInfo {
  const { activity, paused, progress, problems } = state
  return {
    ...base,
    state: activity,
    ...(paused === undefined ? {} : { reason: paused.message }),
    ...(paused?.held === undefined ? {} : { held: describeHeld(paused.held) }),
    files: state.files,
    bytes: state.bytes,
    waitingFiles: state.waiting,
    ...(state.waiting === 0 ? {} : { waitingBytes: state.waitingBytes }),
    ...(state.waiting === 0 || bytesPerSecond <= 0
      ? {}
      : { waitingEtaMs: Math.round((1000 * state.waitingBytes) / bytesPerSecond) }),
    ...(state.untaken === 0 ? {} : { untaken: state.untaken }),
    ...(progress === undefined
      ? {}
      : {
          progress: {
            stepsDone: progress.doneSteps,
            stepsTotal: progress.steps,
            bytesDone: progress.doneBytes,
            bytesTotal: progress.bytes,
            ...etaOf(progress),
          },
        }),
    problems: problems.slice(0, MAX_PROBLEMS).map(describeProblem),
    problemCount: problems.length,
  }
}

/** What is left takes as long as its share of what is done did: by bytes, where there are some. */
function etaOf(progress: NonNullable<FolderState['progress']>): { readonly etaMs?: number } {
  const { steps, doneSteps, bytes, doneBytes, elapsedMs } = progress
  const done = bytes > 0 ? doneBytes / bytes : doneSteps / steps
  if (!(done > 0) || elapsedMs < MIN_ELAPSED_MS) return {}
  return { etaMs: Math.max(0, Math.round((elapsedMs * (1 - done)) / done)) }
}

/** A folder that nothing keeps in step now. */
export function pausedFolder(base: FolderBase, reason: string): FolderInfo {
  return { ...base, state: 'paused', reason, files: 0, bytes: 0, waitingFiles: 0, problems: [], problemCount: 0 }
}

function describeHeld(held: NonNullable<NonNullable<FolderState['paused']>['held']>): NonNullable<FolderInfo['held']> {
  return {
    direction: held.direction === 'outgoing' ? 'out' : 'in',
    deletes: held.deletedFiles,
    replaces: held.replacedFiles,
    files: held.files,
  }
}

const CODES: Readonly<Record<ProblemKind, string>> = {
  name: 'DITTO_PATH_INVALID',
  'case-clash': 'DITTO_PATH_INVALID',
  kind: 'DITTO_UNSUPPORTED',
  link: 'DITTO_UNSUPPORTED',
  permission: 'DITTO_PERMISSION',
  'no-space': 'DITTO_NO_SPACE',
  'not-empty': 'DITTO_EXISTS',
  'folder-inside': 'DITTO_EXISTS',
  io: 'DITTO_IO',
  'local-change': 'DITTO_FILE_CHANGED',
  'remote-change': 'DITTO_FILE_CHANGED',
}

function describeProblem({ path, kind, message }: FolderProblem): FolderInfo['problems'][number] {
  return { path, code: CODES[kind], reason: message }
}

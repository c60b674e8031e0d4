import { DittoError, type ErrorCode } from '@dittofs/interface'
import type { Output } from './output/output.ts'

/** What to do, for the commands whose errors come from where the command line is not known. */
const HINTS: Partial<Readonly<Record<ErrorCode, Readonly<Record<string, string>>>>> = {
  DITTO_EXISTS: { get: 'use -o PATH to write it elsewhere, or over the file that is there' },
  DITTO_NOT_FOUND: {
    mv: '"dittofs list" shows what is in the space',
    rm: '"dittofs list" shows what is in the space',
    'devices remove': '"dittofs devices" shows names and IDs',
    'invite --revoke': '"dittofs invite --list" shows the IDs',
  },
  DITTO_CHUNK_MISSING: { get: '"dittofs status" shows which devices are connected' },
  DITTO_PEER_UNREACHABLE: {
    receive: 'is "dittofs send" still running at the other device, in the same network?',
    join: 'is "dittofs daemon" running at the other device, in the same network?',
  },
}

export interface ReportOptions {
  /** The words of the command, as `devices remove`. */
  command: string
  isDebug: boolean
}

/** Says what went wrong: a sentence on stderr, with a hint where there is one; with --json a document on stdout too. */
export async function reportError(error: unknown, output: Output, options: ReportOptions): Promise<void> {
  const { code, message, details } = describe(error)
  output.note(`dittofs: ${message}`)
  const hint = HINTS[code]?.[options.command]
  if (hint !== undefined) output.note(`hint: ${hint}`)
  if (options.isDebug) output.aside(`${stackOf(error)}\n`)
  if (output.isJson) await output.json({ error: { code, message, details } })
}

function describe(error: unknown): { code: ErrorCode; message: string; details: object } {
  if (error instanceof DittoError) return { code: error.code, message: error.message, details: error.details }
  const reason = error instanceof Error ? error.message : String(error)
  const message = `Something is wrong in DittoFS itself: ${reason}; --debug shows where.`
  return { code: 'DITTO_INTERNAL', message, details: {} }
}

/** The stack of an error and of what caused it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`
}

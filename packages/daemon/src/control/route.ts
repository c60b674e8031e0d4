import type { Device, Progress } from '@dittofs/interface'
import * as v from 'valibot'

/** What a route's work is given beside its parameters. */
export interface RouteContext {
  /** Aborted when the client goes away or the daemon stops. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/**
 * One method of `Device` as the control API offers it: `POST /v1/NAME` with the parameters as a JSON object.
 *
 * - `call` answers with any number of `{"progress":…}` lines and one `{"result":…}` or `{"error":…}`.
 * - `stream` answers with `{"items":[…]}` lines, then `{"result":null}` or `{"error":…}`.
 * - `bytes` answers with the bytes; the trailer `dittofs-outcome` says whether they are all.
 */
export interface Route<Kind extends string, Schema extends v.GenericSchema, Result> {
  readonly kind: Kind
  readonly parameters: Schema
  readonly run: (device: Device, parameters: v.InferOutput<Schema>, context: RouteContext) => Result
}

export const call = <const Entries extends v.ObjectEntries, Result>(
  entries: Entries,
  run: Route<'call', v.StrictObjectSchema<Entries, undefined>, Promise<Result>>['run'],
): Route<'call', v.StrictObjectSchema<Entries, undefined>, Promise<Result>> => ({
  kind: 'call',
  parameters: v.strictObject(entries),
  run,
})

export const stream = <const Entries extends v.ObjectEntries, Item>(
  entries: Entries,
  run: Route<'stream', v.StrictObjectSchema<Entries, undefined>, AsyncIterable<readonly Item[]>>['run'],
): Route<'stream', v.StrictObjectSchema<Entries, undefined>, AsyncIterable<readonly Item[]>> => ({
  kind: 'stream',
  parameters: v.strictObject(entries),
  run,
})

export const bytes = <const Entries extends v.ObjectEntries>(
  entries: Entries,
  run: Route<'bytes', v.StrictObjectSchema<Entries, undefined>, AsyncIterable<Uint8Array>>['run'],
): Route<'bytes', v.StrictObjectSchema<Entries, undefined>, AsyncIterable<Uint8Array>> => ({
  kind: 'bytes',
  parameters: v.strictObject(entries),
  run,
})

import { DittoError, type VersionId } from '@dittofs/interface'
import { type Event, MAX_TIME } from './event.ts'

const VERSION_ID = /^[0-9a-z]{1,11}:[0-9]{1,15}$/

/** How others name a version: `writer:t`, the writer in base 36. */
export function versionId({ writer, t }: Event): VersionId {
  return `${writer.toString(36)}:${t}` as VersionId
}

/** @throws DittoError DITTO_USAGE for what no {@link versionId} is */
export function parseVersionId(id: VersionId): Event {
  const [writer = '', t] = id.split(':')
  const event = { writer: Number.parseInt(writer, 36), t: Number(t) }
  if (!VERSION_ID.test(id) || !Number.isSafeInteger(event.writer) || event.t > MAX_TIME) {
    throw new DittoError('DITTO_USAGE', `${JSON.stringify(id)} does not name a version.`)
  }
  return event
}

import { type DeviceKey, deviceKey, type FileContent, type MetadataStore } from '@dittofs/interface'
import { packContent } from '../src/content-codec.ts'
import { decodeMessage, encodeUpdateMessage, encodeVector } from '../src/exchange.ts'
import type { LogItem, LogRun } from '../src/log-run.ts'
import { nodeIdFromBytes, ROOT_ID } from '../src/node-id.ts'
import { encodeRecord } from '../src/record-codec.ts'
import { readUpdate } from '../src/update-reader.ts'
import { encodeUpdate } from '../src/update-writer.ts'

const NOBODY: DeviceKey = deviceKey.parse('9e'.repeat(32))

/** Everything a store holds, log by log. */
export async function logsOf(store: MetadataStore): Promise<LogRun[]> {
  const logs = new Map<number, LogItem[]>()
  for (const message of await store.receive(encodeVector(new Map()), NOBODY, true)) {
    const decoded = decodeMessage(message)
    if (decoded.type !== 'update') continue
    const reading = readUpdate(decoded.update)
    let step = reading.next()
    while (step.done !== true) step = reading.next()
    for (const { writer, items } of step.value) logs.set(writer, [...(logs.get(writer) ?? []), ...items])
  }
  return [...logs].map(([writer, items]) => ({ writer, clock: 0, items }))
}

/** The one log of a device that holds nothing else. */
export async function onlyLogOf(store: MetadataStore): Promise<LogRun> {
  const [log, ...others] = await logsOf(store)
  if (log === undefined || others.length > 0) throw new TypeError('the store holds one log')
  return log
}

/** An entry that puts a new file at the root, as the writer of any log could have written it. */
export function forgedFile(name: string, t: number, file: FileContent): string {
  const node = nodeIdFromBytes('file', Buffer.from(name.padEnd(12, '.').slice(0, 12)))
  return encodeRecord({
    type: 'state',
    node,
    placement: { t, parent: ROOT_ID, name },
    version: { t, vector: new Map(), content: packContent({ kind: 'file', file }), size: file.size },
  })
}

/** What a hostile member sends to pass off entries as the continuation of another's log. */
export function forgedMessage(log: LogRun, entries: readonly string[]): Uint8Array {
  const clock = log.clock + log.items.length
  return encodeUpdateMessage(encodeUpdate([{ writer: log.writer, clock, items: entries }]))
}

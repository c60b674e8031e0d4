import {
  chunkId,
  type DeviceKey,
  deviceKey,
  type FileContent,
  type MetadataStore,
  type TreeEntry,
} from '@dittofs/interface'

/** Whoever the other device is: it may write. */
export const PEER: DeviceKey = deviceKey.parse('9e'.repeat(32))

/** A file of one made-up chunk. */
export function metadataFile(byte: number, size = 10): FileContent {
  const id = chunkId.parse(byte.toString(16).padStart(2, '0').repeat(32))
  return {
    size,
    mtimeNs: 1_700_000_000_000_000_000n,
    mode: 0o644,
    content: { kind: 'inline', chunks: [{ id, length: size }] },
  }
}

/** Sends both ways what the other lacks. */
export async function exchangeMetadata(a: MetadataStore, b: MetadataStore): Promise<void> {
  for (const message of await a.receive(b.hello(), PEER, true)) await b.receive(message, PEER, true)
  for (const message of await b.receive(a.hello(), PEER, true)) await a.receive(message, PEER, true)
}

/** All that is shown, in the order of a walk. */
export async function walked(store: MetadataStore, path = ''): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = []
  for await (const batch of store.walk(path)) entries.push(...batch)
  return entries
}

export async function pathsOf(store: MetadataStore): Promise<string[]> {
  return (await walked(store)).map(({ path }) => path)
}

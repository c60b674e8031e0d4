import type { Volume, VolumeHandle } from '@dittofs/interface'

export async function fileWith(volume: Volume, name: string, content: string | Uint8Array): Promise<VolumeHandle> {
  const { handle } = await volume.create(volume.root, name, { mode: 0o644, rule: 'guarded' })
  await put(volume, handle, 0, content)
  return handle
}

/** Writes, in as many calls as it takes, and does not commit. */
export async function put(
  volume: Volume,
  handle: VolumeHandle,
  offset: number,
  content: string | Uint8Array,
): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  for (let at = 0; at < bytes.length; at += 1024 * 1024) {
    await volume.write(handle, bytes.subarray(at, at + 1024 * 1024), { offset: offset + at, isStable: false })
  }
}

export async function bytesOf(volume: Volume, handle: VolumeHandle): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let offset = 0; ; ) {
    const { bytes, isEnd } = await volume.read(handle, { offset, length: 1024 * 1024 })
    parts.push(bytes)
    offset += bytes.length
    if (isEnd) return Buffer.concat(parts)
  }
}

export async function textOf(volume: Volume, handle: VolumeHandle): Promise<string> {
  return (await bytesOf(volume, handle)).toString()
}

export async function namesOf(volume: Volume, directory: VolumeHandle = volume.root): Promise<string[]> {
  const { entries } = await volume.readDirectory(directory, { after: 0n, limit: 4096 })
  return entries.map(({ name }) => name).sort()
}

/** What each file in the root holds, by name. */
export async function contentsOf(volume: Volume): Promise<Record<string, string>> {
  const contents: Record<string, string> = {}
  for (const name of await namesOf(volume)) {
    const { handle, attributes } = await volume.lookup(volume.root, name)
    if (attributes.kind === 'file') contents[name] = await textOf(volume, handle)
  }
  return contents
}

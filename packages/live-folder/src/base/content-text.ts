import type { ChunkId, ContentRef, NodeContent, NodeKind, TreeEntry } from '@dittofs/interface'

/** A node's content as one string: what the base keeps in memory and on disk. */
export function contentText(content: NodeContent): string {
  if (content.kind === 'directory') return `${content.directory.mode} ${content.directory.mtimeNs}`
  if (content.kind === 'symlink') return `${content.symlink.mtimeNs} ${content.symlink.target}`
  const { size, mtimeNs, mode } = content.file
  return `${size} ${mtimeNs} ${mode} ${refText(content.file.content)}`
}

/** @throws TypeError for a text that {@link contentText} did not make of this kind */
export function parseContent(kind: NodeKind, text: string): NodeContent {
  if (kind === 'symlink') {
    const end = text.indexOf(' ')
    return { kind, symlink: { mtimeNs: BigInt(text.slice(0, end)), target: text.slice(end + 1) } }
  }
  const parts = text.split(' ')
  if (kind === 'directory') {
    const [mode, mtimeNs] = parts
    if (mtimeNs === undefined) throw new TypeError('not the content of a directory')
    return { kind, directory: { mode: Number(mode), mtimeNs: BigInt(mtimeNs) } }
  }
  const [size, mtimeNs, mode, ref] = parts
  if (ref === undefined) throw new TypeError('not the content of a file')
  return {
    kind,
    file: { size: Number(size), mtimeNs: BigInt(mtimeNs as string), mode: Number(mode), content: parseRef(ref) },
  }
}

/** Equal for equal bytes as one chunker cuts them. */
export function refText(ref: ContentRef): string {
  if (ref.kind === 'manifest') return `m:${ref.root}:${ref.depth}:${ref.chunkCount}`
  return `i${ref.chunks.map(({ id, length }) => `:${id}:${length}`).join('')}`
}

function parseRef(text: string): ContentRef {
  const [kind, ...parts] = text.split(':')
  if (kind === 'm') {
    return { kind: 'manifest', root: parts[0] as ChunkId, depth: Number(parts[1]), chunkCount: Number(parts[2]) }
  }
  const chunks = []
  for (let at = 0; at < parts.length; at += 2) chunks.push({ id: parts[at] as ChunkId, length: Number(parts[at + 1]) })
  return { kind: 'inline', chunks }
}

/** What an entry of the document holds. @throws TypeError for an entry without content */
export function contentOf(entry: Pick<TreeEntry, 'kind' | 'file' | 'symlink' | 'directory'>): NodeContent {
  if (entry.file !== undefined) return { kind: 'file', file: entry.file }
  if (entry.symlink !== undefined) return { kind: 'symlink', symlink: entry.symlink }
  // A directory that was only ever placed has no content of its own.
  return { kind: 'directory', directory: entry.directory ?? { mode: 0o755, mtimeNs: 0n } }
}

/** Whether both are files of the same bytes, links to the same target, or directories. */
export function isSameBytes(a: NodeContent, b: NodeContent): boolean {
  if (a.kind === 'file' && b.kind === 'file') {
    return a.file.size === b.file.size && refText(a.file.content) === refText(b.file.content)
  }
  if (a.kind === 'symlink' && b.kind === 'symlink') return a.symlink.target === b.symlink.target
  return a.kind === b.kind
}

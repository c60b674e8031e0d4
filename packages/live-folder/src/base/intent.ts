import type { NodeId, NodeKind, VersionId } from '@dittofs/interface'

/**
 * What is about to be done, written before it is: after a crash it tells what was done from what a person did.
 *
 * `stage`: an entry is put aside in the root of its folder. `write`: a file or link of the document is put on disk at a
 * path. `remove`: an entry of the base goes from disk. `send`: what stands at a path becomes a version of the document.
 */
export type Intent =
  | {
      readonly type: 'write'
      readonly folder: string
      /** From the folder's root, in NFC. */
      readonly names: readonly string[]
      readonly node: NodeId
      readonly version: VersionId
      readonly kind: NodeKind
      /** See `contentText`. */
      readonly content: string
    }
  | { readonly type: 'remove'; readonly entry: number }
  | { readonly type: 'stage'; readonly entry: number; readonly name: string }
  | {
      readonly type: 'send'
      readonly folder: string
      readonly names: readonly string[]
      readonly rawName: string
      /** For what is new, the node it becomes. */
      readonly node: NodeId
      /** The directory it stands in. */
      readonly parent: NodeId
      /** The version it is based on; absent for what is new. */
      readonly base?: VersionId | undefined
      readonly kind: NodeKind
      readonly content: string
      /** Of the disk when the content was taken; see `stampText`. */
      readonly stamp: string
      /** Of a file: the number of the place that its bytes have. */
      readonly place?: number
    }

/** Those that were announced together are one value: a row for each would cost more than what it says. */
export function encodeIntents(intents: readonly Intent[]): Uint8Array {
  return Buffer.from(JSON.stringify(intents))
}

/** @returns none for bytes that are no intents: what they were for is found out by looking at the disk */
export function decodeIntents(bytes: Uint8Array): readonly Intent[] {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Intent | Intent[]
    // Earlier versions wrote each by itself.
    const intents = Array.isArray(value) ? value : [value]
    return intents.filter(({ type }) => ['write', 'remove', 'stage', 'send'].includes(type))
  } catch {
    return []
  }
}

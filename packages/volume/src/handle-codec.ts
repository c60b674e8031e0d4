import { hash } from 'node:crypto'
import type { NodeId, VersionId, VolumeHandle } from '@dittofs/interface'

/** A node, and one of its versions where it is a conflict copy. */
export interface HandleParts {
  readonly node: NodeId
  readonly version: VersionId | undefined
}

const HANDLE = /^([0-9A-Za-z_-]{1,20})(?:\.([0-9a-z]{1,11})\.([0-9]{1,15}))?$/

/** `NODE`, or for a conflict copy `NODE.WRITER.T`: at most 48 characters, because a node's ID has 17. */
export function formatHandle({ node, version }: HandleParts): VolumeHandle {
  return (version === undefined ? node : `${node}.${version.replace(':', '.')}`) as VolumeHandle
}

/** @returns `undefined` for what no volume gave out; what has the form may name nothing all the same */
export function parseHandle(handle: string): HandleParts | undefined {
  const [, node, writer, t] = HANDLE.exec(handle) ?? []
  if (node === undefined) return undefined
  const version = writer === undefined ? undefined : (`${writer}:${t}` as VersionId)
  return { node: node as NodeId, version }
}

/** 1 to 2^64-1: a hash, so that it is the same after each restart and, but for chance, of no other handle. */
export function fileIdOf(handle: VolumeHandle): bigint {
  const id = hash('sha256', handle, 'buffer').readBigUInt64BE()
  return id === 0n ? 1n : id
}

import type {
  ChangeGroup,
  DeviceKey,
  HistoryVersion,
  NodeContent,
  NodeEvent,
  NodeId,
  NodePlace,
  VersionId,
} from '@dittofs/interface'
import { packContent, unpackContent } from '../content-codec.ts'
import { kindOfNode } from '../node-id.ts'

/** A version or deletion of a node, as it is kept. */
export interface StoredVersion {
  /** The version's name, or the deletion's. */
  readonly id: string
  readonly isDeletion: boolean
  /** Packed, in base64. */
  readonly content?: string
  readonly author?: DeviceKey
  readonly isOwn: boolean
  readonly seenAt: number
  readonly path?: string
  /** For each log the last version that this one builds on. */
  readonly seen: readonly VersionId[]
  /** When it was found to be replaced or deleted, in milliseconds. */
  readonly endedAt?: number
}

export interface StoredGroup extends Omit<ChangeGroup, 'id' | 'author'> {
  readonly author?: DeviceKey
  /** Of its events. */
  readonly count: number
}

/** What is needed of an event to undo it. */
export interface StoredEvent {
  readonly node: NodeId
  readonly kind: NodeEvent['kind']
  readonly version?: VersionId
  readonly replaced: readonly VersionId[]
  readonly pathBefore?: string
  readonly pathAfter?: string
  readonly placeBefore?: NodePlace
  readonly placeAfter?: NodePlace
}

export interface StoredDeletion {
  readonly path: string
  readonly author?: DeviceKey
  readonly isOwn: boolean
  readonly deletedAt: number
}

export function storedEvent(event: NodeEvent): StoredEvent {
  const { node, kind, version, replaced, pathBefore, pathAfter, placeBefore, placeAfter } = event
  return {
    node,
    kind,
    replaced,
    ...(version === undefined ? {} : { version }),
    ...(pathBefore === undefined ? {} : { pathBefore }),
    ...(pathAfter === undefined ? {} : { pathAfter }),
    ...(placeBefore === undefined ? {} : { placeBefore }),
    ...(placeAfter === undefined ? {} : { placeAfter }),
  }
}

export function storedVersion(event: NodeEvent, seenAt: number, isOwn: boolean): StoredVersion {
  const path = event.pathAfter ?? event.pathBefore
  return {
    id: event.id,
    isDeletion: event.kind === 'deletion',
    isOwn,
    seenAt,
    seen: event.seen,
    ...(event.content === undefined ? {} : { content: packed(event.content) }),
    ...(event.author === undefined ? {} : { author: event.author }),
    ...(path === undefined ? {} : { path }),
  }
}

export function contentOf(node: NodeId, { content }: StoredVersion): NodeContent | undefined {
  return content === undefined
    ? undefined
    : unpackContent(kindOfNode(node), Buffer.from(content, 'base64').toString('latin1'))
}

export function historyVersion(node: NodeId, stored: StoredVersion): HistoryVersion {
  const content = contentOf(node, stored)
  return {
    node,
    kind: kindOfNode(node),
    isDeletion: stored.isDeletion,
    ...(stored.isDeletion ? {} : { version: stored.id as VersionId }),
    ...(content === undefined ? {} : { content }),
    author: stored.author,
    isOwn: stored.isOwn,
    seenAt: stored.seenAt,
    path: stored.path,
  }
}

function packed(content: NodeContent): string {
  return Buffer.from(packContent(content), 'latin1').toString('base64')
}

import {
  type AbortOptions,
  type Chunk,
  type ChunkId,
  type EncodeManifestLeaf,
  type Logger,
  MAX_MANIFEST_NODE_ENTRIES,
  type ManifestPlace,
} from '@dittofs/interface'
import { MAX_RECIPE_CHUNKS } from '@dittofs/wire'
import { storeMadeChunks } from './made-chunks.ts'
import { followRecipe } from './recipe.ts'
import { type ManifestReading, readReferences } from './reference-list.ts'
import type { ReferenceSamples, SizedManifest } from './reference-samples.ts'
import type { Requester } from './requester.ts'

/** For fewer chunks than this the nodes themselves are as quick: they fit in a few packets. */
const MIN_CHUNKS = 128
/** Peers asked for an outline before the nodes are asked for as they are. */
const MAX_PEERS_ASKED = 2

export interface NodeRebuilderInit extends ManifestReading {
  readonly encodeLeaf: EncodeManifestLeaf
  readonly samples: ReferenceSamples
  readonly log: Logger
}

/**
 * Makes manifest leaves that are missing here from manifests that are here: a peer tells which chunks they share, in few
 * bytes, and spells out only the others. What comes of it is checked against the leaf's ID like any chunk, so a peer that
 * lies only wastes the time.
 */
export class NodeRebuilder {
  readonly #init: NodeRebuilderInit
  #turn: Promise<unknown> = Promise.resolve()

  constructor(init: NodeRebuilderInit) {
    this.#init = init
  }

  /**
   * @param places - nodes that are missing
   * @param peers - who may be asked
   * @returns those that are stored now
   */
  rebuild(
    manifest: SizedManifest,
    places: readonly ManifestPlace[],
    peers: readonly Requester[],
    options: AbortOptions = {},
  ): Promise<ReadonlySet<ChunkId>> {
    // One at a time: each holds up to 80,000 chunk names.
    const turn = this.#turn.then(async () => {
      const made = new Set<ChunkId>()
      if (this.#init.samples.isEmpty) return made
      const able = peers.filter((peer) => peer.references.isAble).slice(0, MAX_PEERS_ASKED)
      for (const group of groupsOf(places)) {
        for (const peer of able) {
          const stored = await this.#rebuildGroup(manifest, group, peer, options)
          for (const id of stored) made.add(id)
          if (stored.length > 0) break
        }
      }
      return made
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #rebuildGroup(
    manifest: SizedManifest,
    group: readonly ManifestPlace[],
    { references: questions, peer }: Requester,
    options: AbortOptions,
  ): Promise<readonly ChunkId[]> {
    const { samples, space, store, encodeLeaf, log } = this.#init
    const { first } = group[0] as ManifestPlace
    const count = group.reduce((sum, place) => sum + place.chunkCount, 0)
    if (count < MIN_CHUNKS || !questions.isAble) return []
    const stretch = { ...manifest, first, count }
    const candidates = samples.find(await questions.outline(space, stretch, options))
    const known = []
    for (const candidate of candidates) {
      const list = await readReferences(this.#init, [candidate], options)
      // What is gone, or was never whole here, would only be referred to in vain.
      if (list.every((chunk) => chunk !== undefined)) known.push({ candidate, list })
    }
    if (known.length === 0) return []
    const named = known.map(({ candidate }) => candidate)
    const steps = await questions.recipe(space, stretch, named, options)
    const list = known.flatMap((one) => one.list)
    const chunks = followRecipe(steps, list)
    if (chunks === undefined || chunks.length !== count) return []
    const leaves: Chunk[] = group.map((place) => {
      const from = place.first - first
      return { id: place.node, bytes: encodeLeaf(chunks.slice(from, from + place.chunkCount)) }
    })
    const wrong = new Set(await store.put(space, leaves, options))
    const areWhole = wrong.size === 0 && (await storeMadeChunks(store, space, steps, list, options))
    if (!areWhole) {
      questions.setAble(false)
      log.warn({ peer, space }, 'A peer told of a manifest what is not in it; it is asked for the manifest itself.')
    }
    return group.flatMap(({ node }) => (wrong.has(node) ? [] : [node]))
  }
}

/** Leaves in a row, so many that one recipe has room for them. */
function groupsOf(places: readonly ManifestPlace[]): ManifestPlace[][] {
  const groups: ManifestPlace[][] = []
  for (const place of places) {
    if (place.level !== 1) continue
    const group = groups.at(-1)
    const last = group?.at(-1)
    const isNext = last !== undefined && last.first + last.chunkCount === place.first
    const isFull = group !== undefined && group.length * MAX_MANIFEST_NODE_ENTRIES >= MAX_RECIPE_CHUNKS
    if (group !== undefined && isNext && !isFull) group.push(place)
    else groups.push([place])
  }
  return groups
}

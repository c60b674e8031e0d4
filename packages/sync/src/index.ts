/**
 * The engine: what differs, who has it, fetch, verify. Knows interfaces only.
 *
 * ```ts
 * import { SyncEngine } from '@dittofs/sync'
 *
 * const parts = { store, readManifest, encodeLeaf, clock, log }
 * const engine = new SyncEngine({ self, instance, deviceName: () => 'laptop', ...parts })
 * engine.addSpace({ metadata, membership, name: () => 'home' })
 * engine.attach(link)
 * await engine.whenUpToDate({ signal: AbortSignal.timeout(60_000) })
 * await engine.close()
 * ```
 *
 * @packageDocumentation
 */
export type { AddressExchange, PassedRecord } from './address-exchange.ts'
export type { WantedContent } from './content-scan.ts'
export type { Divergence, Repair } from './divergence-watch.ts'
export type { AnswerEcho, EchoAnswer, EchoQuestion } from './echo-questions.ts'
export type { FetchChoice, FetchChoices } from './fetch-choices.ts'
export type { FetchGrowth } from './fetch-growth.ts'
export type { FetchRoom } from './fetch-room.ts'
export { FETCH_POLICIES, type FetchPolicy, type FetchState } from './fetch-state.ts'
export type { EnsureOptions } from './fetcher.ts'
export type { AnswerKept, FileVersionRef } from './kept-questions.ts'
export {
  LINK_PROFILES,
  type LinkProfile,
  PROFILE_CHOICES,
  type ProfileChoice,
  type ProfileName,
} from './link-profile.ts'
export { DEFAULT_TRANSFER_BYTES } from './memory-budget.ts'
export { METERED_FILES, type MeteredFiles, type MeteredPolicy } from './metered-policy.ts'
export type { PeerState, SpacePeer } from './peer-state.ts'
export { MAX_REQUEST_BYTES } from './requester.ts'
export type { Session } from './session.ts'
export {
  type ExchangedMembership,
  type StatementExchange,
  type StatementExchangeInit,
  statementExchange,
} from './statement-exchange.ts'
export { SyncEngine } from './sync-engine.ts'
export type { SyncEngineInit, SyncEvents, SyncSpaceOptions, TransferLimits } from './sync-engine-init.ts'

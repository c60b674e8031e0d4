import type { ChunkStore, Clock, Link, Logger, ReadManifest } from '@dittofs/interface'
import type { AddressExchange } from './address-exchange.ts'
import type { AnswerEcho } from './echo-questions.ts'
import type { AnswerKept } from './kept-questions.ts'
import type { LinkTuning } from './link-tuning.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { Session } from './session.ts'
import type { StatementExchange } from './statement-exchange.ts'
import type { SyncSpace } from './sync-space.ts'

export interface SessionInit {
  link: Link
  /** Whether bytes over the link cost money or battery. */
  isMetered: boolean
  /** Whether its transport says that it is slow. */
  isSlow: boolean
  /** How content is fetched over it. */
  tuning: LinkTuning
  /** 16 random bytes, drawn at each start of the device. */
  instance: Uint8Array
  deviceName: () => string
  store: ChunkStore
  readManifest: ReadManifest
  clock: Clock
  log: Logger
  budget: MemoryBudget
  upload: RateLimiter
  download: RateLimiter
  statements?: StatementExchange
  addresses?: AddressExchange
  answerKept?: AnswerKept
  answerEcho?: AnswerEcho
  /** Spaces of this device; which of them a peer hears of is decided here. */
  spaces: () => Iterable<SyncSpace>
  /** The peer's hello came. A rejection ends the session with its code. */
  onHello: (session: Session) => Promise<void>
  /** A space became shared with the peer or ceased to be, or what is known of it changed. */
  onChange: (session: Session) => void
  /** There may be room for new requests. */
  onRoom: (session: Session) => void
  /** The peer began to exchange the metadata of a space over this link. */
  onPeerBegan: (session: Session) => void
  /** The session is over, and what was asked for over it is about to be asked for elsewhere. */
  onEnding: (session: Session) => void
}

import { chooseProfile, type LinkMeasurements } from './choose-profile.ts'
import { LINK_PROFILES, type LinkProfile, type ProfileChoice, type ProfileName } from './link-profile.ts'

/** Fewer chunks that wait say nothing of what kind of content it is. */
const MIN_WAITING_CHUNKS = 64
/** A smaller change of the mean says nothing new: where it lies at the border, the profile would come and go with each chunk. */
const NEWS = 0.25

export interface LinkTuningInit {
  choice: ProfileChoice
  /** Memory of the machine; nothing is concluded from it where absent. */
  memoryBytes?: number
  /** The profile is another one. */
  onChange: () => void
}

/** The profile of one link: chosen by a person, or by what is measured while it is used. */
export class LinkTuning {
  readonly #init: LinkTuningInit
  #measured: LinkMeasurements
  #name: ProfileName

  constructor(init: LinkTuningInit) {
    this.#init = init
    this.#measured = init.memoryBytes === undefined ? {} : { memoryBytes: init.memoryBytes }
    this.#name = init.choice === 'auto' ? chooseProfile(this.#measured) : init.choice
  }

  get name(): ProfileName {
    return this.#name
  }

  get profile(): LinkProfile {
    return LINK_PROFILES[this.#name]
  }

  /** Looks at the link anew. */
  measured(measured: Pick<LinkMeasurements, 'bytesPerSecond' | 'roundTripMs'>): void {
    this.#take(measured)
  }

  /** Looks at what is to be fetched. */
  waiting({ chunks, bytes }: { readonly chunks: number; readonly bytes: number }): void {
    if (chunks < MIN_WAITING_CHUNKS) return
    const { waitingChunkBytes: before = 0 } = this.#measured
    if (Math.abs(bytes / chunks - before) > NEWS * before) this.#take({ waitingChunkBytes: bytes / chunks })
  }

  #take(measured: LinkMeasurements): void {
    if (this.#init.choice !== 'auto') return
    this.#measured = { ...this.#measured, ...measured }
    const name = chooseProfile(this.#measured)
    if (name === this.#name) return
    this.#name = name
    this.#init.onChange()
  }
}

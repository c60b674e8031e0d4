import type { LinkProfile, ProfileChoice } from './link-profile.ts'
import { LinkTuning } from './link-tuning.ts'

export interface SharedProfileInit {
  choice: ProfileChoice
  /** Memory of the machine; nothing is concluded from it where absent. */
  memoryBytes: number | undefined
  /** The profiles of the links to all devices, as they are now. */
  inUse: () => readonly LinkProfile[]
  /** The profile of a link is another one. */
  onChange: () => void
}

/** What all links of a device share, memory and writes: as the profile with most memory says, of those in use. */
export class SharedProfile {
  readonly #init: SharedProfileInit
  #current: LinkProfile

  constructor(init: SharedProfileInit) {
    this.#init = init
    this.#current = this.tuning().profile
  }

  get current(): LinkProfile {
    return this.#current
  }

  /** For a new link. */
  tuning(): LinkTuning {
    const { choice, memoryBytes, onChange } = this.#init
    return new LinkTuning({
      choice,
      ...(memoryBytes !== undefined && { memoryBytes }),
      onChange: () => {
        this.linksChanged()
        onChange()
      },
    })
  }

  /** A link came, went, or has another profile. */
  linksChanged(): void {
    const [first = this.tuning().profile, ...others] = this.#init.inUse()
    this.#current = others.reduce((widest, one) => (one.memoryBytes > widest.memoryBytes ? one : widest), first)
  }
}

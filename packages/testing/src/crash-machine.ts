/** What a failed call of a simulated disk carries. */
export type FaultCode = 'ENOSPC' | 'EIO'

export interface CrashMachineInit {
  /** The call, counted from 1, during which the machine loses power; never when absent. */
  crashAt?: number
  /** The call, counted from 1, that fails, and how. */
  failAt?: { readonly call: number; readonly code: FaultCode }
  /** 0 to below 1; decides what of unfinished work reaches the disk. */
  random: () => number
}

/** What is to become of one call. */
export type CallFate = 'done' | 'crash' | FaultCode

/** Counts the calls that change a disk and decides which one fails, or is the last before the power is gone. */
export class CrashMachine {
  readonly random: () => number
  readonly #init: CrashMachineInit
  #calls = 0
  #isCrashed = false

  constructor(init: CrashMachineInit) {
    this.#init = init
    this.random = init.random
  }

  /** Calls made so far. */
  get calls(): number {
    return this.#calls
  }

  get isCrashed(): boolean {
    return this.#isCrashed
  }

  /** Counts a call. @throws when the machine is off */
  call(): CallFate {
    this.check()
    this.#calls++
    if (this.#calls === this.#init.crashAt) {
      this.#isCrashed = true
      return 'crash'
    }
    return this.#calls === this.#init.failAt?.call ? this.#init.failAt.code : 'done'
  }

  /** @throws when the machine is off */
  check(): void {
    if (this.#isCrashed) throw systemError('EIO', 'the machine is off')
  }
}

/** An error as Node's file system throws it. */
export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}

import type { IndexDatabase, IndexWrite, OpenIndexDatabase } from '@dittofs/chunk-store'
import { type CrashMachine, systemError } from './crash-machine.ts'

/** Values by key in hex; survives a crash as it is, for every write is synced and whole or not there. */
export type SimulatedIndex = Map<string, Uint8Array>

/** A chunk index in memory that stops with its machine. Writes are calls like those of the disk. */
export function crashIndexDatabase(machine: CrashMachine, content: SimulatedIndex): OpenIndexDatabase {
  return async (_directory, isNew) => {
    machine.check()
    if (isNew) content.clear()
    return new CrashIndexDatabase(machine, content)
  }
}

class CrashIndexDatabase implements IndexDatabase {
  readonly #machine: CrashMachine
  readonly #content: SimulatedIndex

  constructor(machine: CrashMachine, content: SimulatedIndex) {
    this.#machine = machine
    this.#content = content
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#machine.check()
    return keys.map((key) => this.#content.get(hex(key)))
  }

  async write(writes: readonly IndexWrite[]): Promise<void> {
    const fate = this.#machine.call()
    // A crash may come just after the write as well as just before it.
    if (fate === 'done' || (fate === 'crash' && this.#machine.random() < 0.5)) {
      for (const { key, value } of writes) {
        if (value === undefined) this.#content.delete(hex(key))
        else this.#content.set(hex(key), value)
      }
    }
    if (fate !== 'done') throw systemError(fate === 'crash' ? 'EIO' : fate, 'the index could not be written')
  }

  async *entries(from: Uint8Array, to: Uint8Array): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    this.#machine.check()
    const keys = [...this.#content.keys()].filter((key) => key >= hex(from) && key < hex(to)).sort()
    if (keys.length > 0) yield keys.map((key) => [Buffer.from(key, 'hex'), this.#content.get(key) as Uint8Array])
  }

  async compact(): Promise<void> {
    this.#machine.check()
  }

  async close(): Promise<void> {}
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

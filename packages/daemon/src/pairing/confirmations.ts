import { type DeviceId, DittoError, type WaitingDevice } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { AskPerson, Newcomer, PersonAnswer } from '@dittofs/membership'

/** Devices that may wait with one ticket: the one that was meant, and who else got hold of it. */
const MAX_WAITING = 4

interface Waiting extends Newcomer {
  readonly answer: (answer: PersonAnswer) => void
}

/** The newcomers that wait for a person here to compare their digits. */
export class Confirmations {
  readonly #waiting = new Set<Waiting>()
  readonly #onChange: () => void

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Waits for {@link confirm} or {@link decline}. @throws DittoError DITTO_LIMIT; the signal's reason */
  readonly ask: AskPerson = (newcomer, { signal }) => {
    if (this.#with(newcomer.ticketId).length >= MAX_WAITING) {
      throw new DittoError('DITTO_LIMIT', 'Too many devices wait with one ticket; answer those first.')
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        ...newcomer,
        answer: (answer) => {
          this.#remove(waiting)
          resolve(answer)
        },
      }
      signal.addEventListener('abort', () => {
        this.#remove(waiting)
        reject(signal.reason)
      })
      this.#waiting.add(waiting)
      this.#onChange()
    })
  }

  /** Who waits with a ticket, in the order they came. */
  waiting(ticketId: string): WaitingDevice[] {
    return this.#with(ticketId).map(({ key, name, digits }) => ({ id: deviceId(key), name, digits }))
  }

  /**
   * Lets the device in that shows these digits. Any other that waits with the ticket is told that it was used.
   *
   * @throws DittoError DITTO_NOT_FOUND
   */
  confirm(ticketId: string, digits: string): WaitingDevice {
    const all = this.#with(ticketId)
    const chosen = all.find((one) => one.digits === digits)
    if (chosen === undefined) {
      throw new DittoError(
        'DITTO_NOT_FOUND',
        'No device waits with that ticket and those digits; "dittofs invite --list" shows who waits.',
      )
    }
    for (const one of all) one.answer(one === chosen ? 'yes' : 'taken')
    return { id: deviceId(chosen.key) satisfies DeviceId, name: chosen.name, digits }
  }

  /** Sends everybody away who waits with the ticket. */
  decline(ticketId: string): void {
    for (const one of this.#with(ticketId)) one.answer('no')
  }

  #with(ticketId: string): Waiting[] {
    return [...this.#waiting].filter((one) => one.ticketId === ticketId)
  }

  #remove(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#onChange()
  }
}

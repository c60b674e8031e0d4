/** Events from work that runs beside whoever reads them. What comes faster than it is read is handed on together. */
export class EventQueue<Event> {
  readonly #isSameKind: (last: Event, next: Event) => boolean
  #waiting: Event[] = []
  #isOver = false
  #wake: () => void = () => undefined

  /** @param isSameKind - whether `next` makes `last` worthless while nobody has read it: progress */
  constructor(isSameKind: (last: Event, next: Event) => boolean) {
    this.#isSameKind = isSameKind
  }

  push(event: Event): void {
    const last = this.#waiting.at(-1)
    if (last !== undefined && this.#isSameKind(last, event)) this.#waiting.pop()
    this.#waiting.push(event)
    this.#wake()
  }

  /** Nothing more comes. */
  end(): void {
    this.#isOver = true
    this.#wake()
  }

  async *batches(): AsyncGenerator<readonly Event[]> {
    for (;;) {
      if (this.#waiting.length > 0) {
        const batch = this.#waiting
        this.#waiting = []
        yield batch
      } else if (this.#isOver) {
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}

/** An XML precondition or postcondition element (RFC 4918 16) with the URLs it speaks of. */
export interface ConditionElement {
  readonly name: string
  readonly hrefs?: readonly string[]
}

interface HttpErrorInit {
  readonly headers?: Readonly<Record<string, string>>
  readonly condition?: ConditionElement
}

/** A request that is answered with a status of 300 or more. `message` is one sentence for a person. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly condition: ConditionElement | undefined

  constructor(status: number, message: string, init: HttpErrorInit = {}) {
    super(message)
    this.name = 'HttpError'
    this.status = status
    this.headers = init.headers ?? {}
    this.condition = init.condition
  }
}

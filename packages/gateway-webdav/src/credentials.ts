import { createHash, timingSafeEqual } from 'node:crypto'

/** What a request shows of who sends it. */
export type Credentials =
  | { readonly scheme: 'basic'; readonly user: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string }

/**
 * Says whom credentials belong to, `undefined` for nobody. Must take the same time whatever is wrong with them.
 */
export type VerifyCredentials = (credentials: Credentials) => string | undefined | Promise<string | undefined>

/** The credentials of an `Authorization` header; `undefined`: none of ours. */
export function parseAuthorization(header: string | undefined): Credentials | undefined {
  const found = /^([a-z]+) +([\x21-\x7e]{1,4096})$/i.exec(header ?? '')
  if (found === null) return undefined
  const value = found[2] as string
  if ((found[1] as string).toLowerCase() === 'bearer') return { scheme: 'bearer', token: value }
  if ((found[1] as string).toLowerCase() !== 'basic') return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { scheme: 'basic', user: text.slice(0, colon), password: text.slice(colon + 1) }
}

interface FixedCredentialsInit {
  /** Passwords by user name. */
  readonly users?: Readonly<Record<string, string>>
  /** Names of principals by bearer token. */
  readonly tokens?: Readonly<Record<string, string>>
}

/** Verifies against fixed passwords and tokens. Compares with all of them, by digest, so that time tells nothing. */
export function fixedCredentials({ users = {}, tokens = {} }: FixedCredentialsInit): VerifyCredentials {
  const known = [
    ...Object.entries(users).map(([user, password]) => ({ digest: digest('basic', user, password), principal: user })),
    ...Object.entries(tokens).map(([token, principal]) => ({ digest: digest('bearer', token, ''), principal })),
  ]
  return (shown) => {
    const asked =
      shown.scheme === 'basic' ? digest('basic', shown.user, shown.password) : digest('bearer', shown.token, '')
    let found: string | undefined
    for (const one of known) if (timingSafeEqual(one.digest, asked)) found = one.principal
    return found
  }
}

function digest(...parts: string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}

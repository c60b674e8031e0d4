import { type IceUrl, parseIceUrl } from '@dittofs/wire'

/** STUN or TURN servers, as the RTCIceServer of the W3C. */
export interface IceServer {
  readonly urls: string | readonly string[]
  readonly username?: string
  readonly credential?: string
}

/** One server, with what it knows this device by. */
export interface IceEndpoint extends IceUrl {
  readonly username: string
  readonly credential: string
}

/**
 * Each URL of each server by itself. A TURN server without a name and a password is left out: none relays for strangers.
 *
 * @throws DittoError DITTO_USAGE for a URL that cannot be used
 */
export function iceEndpoints(servers: readonly IceServer[]): readonly IceEndpoint[] {
  return servers.flatMap(({ urls, username = '', credential = '' }) =>
    [urls]
      .flat()
      .map((url) => ({ ...parseIceUrl(url), username, credential }))
      .filter(({ kind }) => kind === 'stun' || (username !== '' && credential !== '')),
  )
}

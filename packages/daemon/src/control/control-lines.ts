/** One line of an answer, as JSON. */
export type ControlLine =
  | { readonly progress: unknown }
  | { readonly items: readonly unknown[] }
  | { readonly result: unknown }
  | { readonly error: unknown }

/** The API's version, part of every path; a daemon of another one is not spoken to. */
export const CONTROL_VERSION = 1
/** One request's parameters: tens of thousands of paths, yet parsed in about 10 ms. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024
/** Trailer of an answer of bytes: `done`, or an error as percent-encoded JSON. */
export const OUTCOME_TRAILER = 'dittofs-outcome'
/** The host name that clients give; a socket needs none, but a browser tricked into talking to one would show its own. */
export const CONTROL_HOST = 'dittofs'

/** Cuts a stream of bytes at line feeds and parses each line as JSON. */
export async function* decodeLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<ControlLine> {
  let pieces: Uint8Array[] = []
  for await (const bytes of source) {
    let start = 0
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      pieces.push(bytes.subarray(start, end))
      yield JSON.parse(Buffer.concat(pieces).toString('utf8')) as ControlLine
      pieces = []
      start = end + 1
    }
    if (start < bytes.length) pieces.push(bytes.subarray(start))
  }
}

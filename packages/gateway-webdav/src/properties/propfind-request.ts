import { HttpError } from '../http-error.ts'
import { childElements, davChild, isDav, type XmlElement } from '../xml-element.ts'
import { type PropertyName, propertyKey } from './property-name.ts'

/** What a PROPFIND asks for. */
export type PropfindRequest =
  | { readonly kind: 'names' }
  /** `include`: beside all that `allprop` means. */
  | { readonly kind: 'all'; readonly include: readonly PropertyName[] }
  | { readonly kind: 'some'; readonly names: readonly PropertyName[] }

/**
 * @param body - `undefined`: none was sent, which asks for all
 * @throws HttpError 400: not what RFC 4918 14.20 says
 */
export function parsePropfind(body: XmlElement | undefined): PropfindRequest {
  if (body === undefined) return { kind: 'all', include: [] }
  if (!isDav(body, 'propfind')) throw refused()
  const [all, names, some] = ['allprop', 'propname', 'prop'].map((name) => davChild(body, name))
  if ([all, names, some].filter((one) => one !== undefined).length !== 1) throw refused()
  if (names !== undefined) return { kind: 'names' }
  if (some !== undefined) return { kind: 'some', names: namesIn(some) }
  const include = davChild(body, 'include')
  return { kind: 'all', include: include === undefined ? [] : namesIn(include) }
}

/** Each name once: asking ten thousand times for a property is no way to a long answer. */
function namesIn(element: XmlElement): PropertyName[] {
  return [
    ...new Map(
      childElements(element).map(({ namespace, name }) => [propertyKey({ namespace, name }), { namespace, name }]),
    ).values(),
  ]
}

function refused(): HttpError {
  return new HttpError(400, 'The body of the request is no PROPFIND.')
}

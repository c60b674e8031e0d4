import type { VolumeAttributes } from '@dittofs/interface'
import type { DeadProperty } from '../dead-properties.ts'
import { parseAnyDate } from '../http-date.ts'
import { HttpError } from '../http-error.ts'
import {
  childElements,
  DAV_NAMESPACE,
  davChild,
  isDav,
  serializeElement,
  textOf,
  type XmlElement,
} from '../xml-element.ts'
import { APACHE_NAMESPACE, LIVE_PROPERTIES, REPLACEABLE, WINDOWS_NAMESPACE } from './live-property.ts'
import { type PropertyName, propertyKey } from './property-name.ts'

/** One step of a PROPPATCH, in its order. */
export interface PropertyStep extends PropertyName {
  /** `undefined`: the property is removed. */
  readonly element: XmlElement | undefined
}

/** What a PROPPATCH comes to. */
export interface PropertyPlan {
  /** Steps that cannot be done: then none is. With the status and the precondition that failed. */
  readonly refused: ReadonlyMap<string, { readonly status: number; readonly condition?: string }>
  readonly attributes: { mode?: number; mtimeNs?: bigint }
  /** What becomes of the dead properties. */
  readonly change: (current: readonly DeadProperty[]) => readonly DeadProperty[]
}

/** @throws HttpError 400: not what RFC 4918 14.19 says */
export function parseProppatch(body: XmlElement | undefined): PropertyStep[] {
  if (body === undefined || !isDav(body, 'propertyupdate')) throw refused()
  const steps: PropertyStep[] = []
  for (const action of childElements(body)) {
    const isSet = isDav(action, 'set')
    // Elements that are not known are passed over (RFC 4918 17).
    if (!isSet && !isDav(action, 'remove')) continue
    const properties = davChild(action, 'prop')
    if (properties === undefined) throw refused()
    for (const element of childElements(properties)) {
      const { namespace, name } = element
      steps.push({ namespace, name, element: isSet ? element : undefined })
    }
  }
  if (steps.length === 0) throw refused()
  return steps
}

/** Says what is to be done, or what stands against it. Touches nothing. */
export function planProppatch(steps: readonly PropertyStep[], current: VolumeAttributes): PropertyPlan {
  const faults = new Map<string, { status: number; condition?: string }>()
  const attributes: { mode?: number; mtimeNs?: bigint } = {}
  const kept: PropertyStep[] = []
  for (const step of steps) {
    const key = propertyKey(step)
    if (MODIFIED.has(key) && step.element !== undefined) {
      const time = parseAnyDate(textOf(step.element))
      if (time === undefined || time < 0) faults.set(key, { status: 409 })
      else attributes.mtimeNs = BigInt(time) * 1_000_000n
      // Windows asks for its own property again; the time itself is the file's.
      if (step.namespace === WINDOWS_NAMESPACE) kept.push(step)
    } else if (key === EXECUTABLE && step.element !== undefined && current.kind === 'file') {
      const flag = textOf(step.element).trim()
      if (flag !== 'T' && flag !== 'F') faults.set(key, { status: 409 })
      else attributes.mode = flag === 'T' ? current.mode | 0o111 : current.mode & ~0o111
    } else if (LIVE_PROPERTIES.has(key) && !REPLACEABLE.has(key)) {
      faults.set(key, { status: 403, condition: 'cannot-modify-protected-property' })
    } else kept.push(step)
  }
  return { refused: faults, attributes, change: (dead) => applied(kept, dead) }
}

const MODIFIED: ReadonlySet<string> = new Set([
  propertyKey({ namespace: DAV_NAMESPACE, name: 'getlastmodified' }),
  propertyKey({ namespace: WINDOWS_NAMESPACE, name: 'Win32LastModifiedTime' }),
])
const EXECUTABLE = propertyKey({ namespace: APACHE_NAMESPACE, name: 'executable' })

function applied(steps: readonly PropertyStep[], dead: readonly DeadProperty[]): DeadProperty[] {
  const properties = new Map(dead.map((one) => [propertyKey(one), one]))
  for (const { namespace, name, element } of steps) {
    const key = propertyKey({ namespace, name })
    if (element === undefined) properties.delete(key)
    else properties.set(key, { namespace, name, xml: serializeElement(element) })
  }
  return [...properties.values()]
}

function refused(): HttpError {
  return new HttpError(400, 'The body of the request is no PROPPATCH.')
}

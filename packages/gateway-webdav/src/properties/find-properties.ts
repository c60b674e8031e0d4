import { type PropertyStatus, propertyElement } from '../multistatus-writer.ts'
import { LIVE_PROPERTIES, type PropertySubject, REPLACEABLE } from './live-property.ts'
import { type PropertyName, propertyKey } from './property-name.ts'
import type { PropfindRequest } from './propfind-request.ts'

/** The answer to a PROPFIND for one resource. */
export function findProperties(request: PropfindRequest, subject: PropertySubject): PropertyStatus[] {
  const dead = new Map(subject.dead.map((one) => [propertyKey(one), one]))
  const elementOf = (name: PropertyName): string | undefined => {
    const key = propertyKey(name)
    const kept = dead.get(key)
    const live = LIVE_PROPERTIES.get(key)
    if (kept !== undefined && (live === undefined || REPLACEABLE.has(key))) return kept.xml
    const value = live?.value(subject)
    return value === undefined ? undefined : propertyElement(name.namespace, name.name, value)
  }
  if (request.kind === 'some') return split(request.names, elementOf)
  const live = [...LIVE_PROPERTIES.values()].filter((one) => request.kind === 'names' || one.isInAll)
  const there = new Map<string, PropertyName>()
  for (const one of [...live, ...subject.dead]) there.set(propertyKey(one), one)
  if (request.kind === 'all') {
    for (const one of request.include) there.set(propertyKey(one), one)
    const wanted = new Set(request.include.map(propertyKey))
    const values = [...there].filter(([key, name]) => wanted.has(key) || elementOf(name) !== undefined)
    return split(
      values.map(([, name]) => name),
      elementOf,
    )
  }
  const names = [...there.values()].filter((name) => elementOf(name) !== undefined)
  return [{ status: 200, elements: names.map(({ namespace, name }) => propertyElement(namespace, name, '')) }]
}

/** Whether the answer needs what a volume tells of its disk. */
export function needsStatistics(request: PropfindRequest): boolean {
  const names = request.kind === 'some' ? request.names : request.kind === 'all' ? request.include : undefined
  return names === undefined || names.some(({ name }) => name.startsWith('quota-'))
}

function split(
  names: readonly PropertyName[],
  elementOf: (name: PropertyName) => string | undefined,
): PropertyStatus[] {
  const found: string[] = []
  const missing: string[] = []
  for (const name of names) {
    const value = elementOf(name)
    if (value === undefined) missing.push(propertyElement(name.namespace, name.name, ''))
    else found.push(value)
  }
  return [
    // A response has at least one propstat, also where nothing was asked for.
    ...(found.length > 0 || missing.length === 0 ? [{ status: 200, elements: found }] : []),
    ...(missing.length > 0 ? [{ status: 404, elements: missing }] : []),
  ]
}

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
  if (request.kind === 'some') return statusesOf(...split(request.names, elementOf))
  const live = [...LIVE_PROPERTIES.values()].filter((one) => request.kind === 'names' || one.isInAll)
  const there = new Map<string, PropertyName>()
  for (const one of [...live, ...subject.dead]) there.set(propertyKey(one), one)
  if (request.kind === 'all') {
    for (const one of request.include) there.set(propertyKey(one), one)
    const [found, absent] = split([...there.values()], elementOf)
    // What `allprop` would name and this node does not have is no answer, unless `include` asked for it.
    const missing = absent.filter((name) => request.include.some((one) => propertyKey(one) === propertyKey(name)))
    return statusesOf(found, missing)
  }
  const names = [...there.values()].filter((name) => elementOf(name) !== undefined)
  return [{ status: 200, elements: names.map(({ namespace, name }) => propertyElement(namespace, name, '')) }]
}

/** Whether the answer needs what a volume tells of its disk. */
export function needsStatistics(request: PropfindRequest): boolean {
  const names = request.kind === 'some' ? request.names : request.kind === 'all' ? request.include : undefined
  return names === undefined || names.some(({ name }) => name.startsWith('quota-'))
}

/** The elements of those that are there, and the names of the others. */
function split(
  names: readonly PropertyName[],
  elementOf: (name: PropertyName) => string | undefined,
): [found: string[], missing: PropertyName[]] {
  const found: string[] = []
  const missing: PropertyName[] = []
  for (const name of names) {
    const element = elementOf(name)
    if (element === undefined) missing.push(name)
    else found.push(element)
  }
  return [found, missing]
}

function statusesOf(found: readonly string[], missing: readonly PropertyName[]): PropertyStatus[] {
  const absent = missing.map(({ namespace, name }) => propertyElement(namespace, name, ''))
  return [
    // A response has at least one propstat, also where nothing was asked for.
    ...(found.length > 0 || absent.length === 0 ? [{ status: 200, elements: found }] : []),
    ...(absent.length > 0 ? [{ status: 404, elements: absent }] : []),
  ]
}

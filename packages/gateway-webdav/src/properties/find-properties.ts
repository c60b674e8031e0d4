import { type PropertyStatus, propertyElement } from '../multistatus-writer.ts'
import { LIVE_PROPERTIES, type LiveProperty, type PropertySubject, REPLACEABLE } from './live-property.ts'
import { type PropertyName, propertyKey } from './property-name.ts'
import type { PropfindRequest } from './propfind-request.ts'

/** Answers a PROPFIND for one resource after the other. */
export type PropertyFinder = (subject: PropertySubject) => PropertyStatus[]

/** Looks up once what a PROPFIND asks for, whatever the number of resources. */
export function propertyFinder(request: PropfindRequest): PropertyFinder {
  if (request.kind === 'some') {
    const wanted = request.names.map(wantedProperty)
    return (subject) => statusesOf(wanted, subject, () => true)
  }
  const live = [...LIVE_PROPERTIES.values()].filter((one) => request.kind === 'names' || one.isInAll)
  const included = request.kind === 'all' ? request.include : []
  const wanted = [...byKey([...live, ...included]).values()].map(wantedProperty)
  if (request.kind === 'names') return (subject) => [namesOf(withDead(wanted, subject), subject)]
  const includedKeys = new Set(included.map(propertyKey))
  // What `allprop` would name and this node does not have is no answer, unless `include` asked for it.
  return (subject) => statusesOf(withDead(wanted, subject), subject, ({ key }) => includedKeys.has(key))
}

/** Whether the answer needs what a volume tells of its disk. */
export function needsStatistics(request: PropfindRequest): boolean {
  const names = request.kind === 'some' ? request.names : request.kind === 'all' ? request.include : undefined
  return names === undefined || names.some(({ name }) => name.startsWith('quota-'))
}

interface WantedProperty {
  readonly key: string
  readonly live: LiveProperty | undefined
  /** Whether a value that a client keeps stands for the live one. */
  readonly isDeadFirst: boolean
  readonly element: (inner: string) => string
  readonly empty: string
}

function wantedProperty({ namespace, name }: PropertyName): WantedProperty {
  const key = propertyKey({ namespace, name })
  const live = LIVE_PROPERTIES.get(key)
  const empty = propertyElement(namespace, name, '')
  const [open = '', close = ''] = propertyElement(namespace, name, ' ').split('> <')
  const element = (inner: string) => (inner === '' ? empty : `${open}>${inner}<${close}`)
  return { key, live, isDeadFirst: live === undefined || REPLACEABLE.has(key), element, empty }
}

/** @returns its XML; `undefined`: the node has no such property */
function elementOf({ key, live, isDeadFirst, element }: WantedProperty, subject: PropertySubject): string | undefined {
  if (isDeadFirst && subject.dead.length > 0) {
    const kept = subject.dead.find((one) => propertyKey(one) === key)
    if (kept !== undefined) return kept.xml
  }
  const value = live?.value(subject)
  return value === undefined ? undefined : element(value)
}

function statusesOf(
  wanted: readonly WantedProperty[],
  subject: PropertySubject,
  isMissed: (one: WantedProperty) => boolean,
): PropertyStatus[] {
  const found: string[] = []
  const absent: string[] = []
  for (const one of wanted) {
    const element = elementOf(one, subject)
    if (element !== undefined) found.push(element)
    else if (isMissed(one)) absent.push(one.empty)
  }
  // A response has at least one propstat, also where nothing was asked for.
  if (absent.length === 0) return [{ status: 200, elements: found }]
  return [...(found.length > 0 ? [{ status: 200, elements: found }] : []), { status: 404, elements: absent }]
}

function namesOf(wanted: readonly WantedProperty[], subject: PropertySubject): PropertyStatus {
  const there = wanted.filter((one) => elementOf(one, subject) !== undefined)
  return { status: 200, elements: there.map(({ empty }) => empty) }
}

function withDead(wanted: readonly WantedProperty[], { dead }: PropertySubject): readonly WantedProperty[] {
  if (dead.length === 0) return wanted
  const known = new Set(wanted.map(({ key }) => key))
  return [...wanted, ...dead.filter((one) => !known.has(propertyKey(one))).map(wantedProperty)]
}

function byKey(names: readonly PropertyName[]): Map<string, PropertyName> {
  return new Map(names.map((one) => [propertyKey(one), one]))
}

import type { VolumeAttributes, VolumeStatistics } from '@dittofs/interface'
import { contentType } from '../content-type.ts'
import type { DeadProperty } from '../dead-properties.ts'
import { entityTag } from '../entity-tag.ts'
import { formatHttpDate, formatIsoDate } from '../http-date.ts'
import type { Lock } from '../lock-table.ts'
import { DAV_NAMESPACE } from '../xml-element.ts'
import { escapeText } from '../xml-escape.ts'
import { lockDiscovery } from './lock-discovery.ts'
import { propertyKey } from './property-name.ts'

export const APACHE_NAMESPACE = 'http://apache.org/dav/props/'
export const WINDOWS_NAMESPACE = 'urn:schemas-microsoft-com:'

/** What live properties are made of. */
export interface PropertySubject {
  /** The last name of its URL. */
  readonly name: string
  readonly attributes: VolumeAttributes
  readonly dead: readonly DeadProperty[]
  /** The locks it is under, with the milliseconds they have left. */
  readonly locks: readonly { readonly lock: Lock; readonly remainingMs: number }[]
  /** `undefined` where no property needs them. */
  readonly statistics: VolumeStatistics | undefined
}

export interface LiveProperty {
  readonly namespace: string
  readonly name: string
  /** Whether `allprop` names it: RFC 4331 keeps quotas out. */
  readonly isInAll: boolean
  /** The XML within the element; `undefined`: this node has no such property. */
  readonly value: (subject: PropertySubject) => string | undefined
}

const SUPPORTED_LOCK = ['exclusive', 'shared']
  .map(
    (scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`,
  )
  .join('')

const isDirectory = ({ attributes }: PropertySubject) => attributes.kind === 'directory'

const LIVE: readonly LiveProperty[] = [
  dav('creationdate', ({ attributes }) => formatIsoDate(attributes.mtimeNs)),
  dav('displayname', ({ name }) => escapeText(name)),
  dav('resourcetype', (subject) => (isDirectory(subject) ? '<D:collection/>' : '')),
  dav('getlastmodified', ({ attributes }) => formatHttpDate(attributes.mtimeNs)),
  dav('getcontentlength', (subject) => (isDirectory(subject) ? undefined : String(subject.attributes.size))),
  dav('getcontenttype', (subject) =>
    isDirectory(subject) ? 'httpd/unix-directory' : escapeText(contentType(subject.name)),
  ),
  dav('getetag', (subject) => (isDirectory(subject) ? undefined : escapeText(entityTag(subject.attributes)))),
  dav('supportedlock', () => SUPPORTED_LOCK),
  dav('lockdiscovery', ({ locks }) => lockDiscovery(locks)),
  dav('quota-available-bytes', quota('freeBytes'), false),
  dav('quota-used-bytes', quota('usedBytes'), false),
  {
    namespace: APACHE_NAMESPACE,
    name: 'executable',
    isInAll: true,
    value: (subject) => (isDirectory(subject) ? undefined : (subject.attributes.mode & 0o100) === 0 ? 'F' : 'T'),
  },
]

/** By {@link propertyKey}, in the order in which `allprop` tells them. */
export const LIVE_PROPERTIES: ReadonlyMap<string, LiveProperty> = new Map(LIVE.map((one) => [propertyKey(one), one]))

/** Properties of which a client may keep a value of its own, which then stands for the live one. */
export const REPLACEABLE: ReadonlySet<string> = new Set(
  ['creationdate', 'displayname'].map((name) => propertyKey({ namespace: DAV_NAMESPACE, name })),
)

function dav(name: string, value: LiveProperty['value'], isInAll = true): LiveProperty {
  return { namespace: DAV_NAMESPACE, name, isInAll, value }
}

/** Of directories, as RFC 4331 says: what the volume has and takes as a whole. */
function quota(field: 'freeBytes' | 'usedBytes'): LiveProperty['value'] {
  return (subject) => (isDirectory(subject) ? (subject.statistics?.[field].toFixed() ?? undefined) : undefined)
}

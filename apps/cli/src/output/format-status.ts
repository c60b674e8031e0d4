import type { DeviceStatus, PeerInfo, SpaceInfo } from '@dittofs/interface'
import { escapeText } from './escape-text.ts'
import { formatBytes } from './format-bytes.ts'
import { countOf } from './format-count.ts'
import { formatTable } from './format-table.ts'
import { formatMoment } from './format-time.ts'

/** Paths named of those that are pinned or evicted. */
const PATHS_SHOWN = 3

/** @param now - milliseconds since the Unix epoch */
export function formatStatus(status: DeviceStatus, now: number): string[] {
  const { chunks } = status
  return [
    ...formatTable([
      ['Device', `${escapeText(status.device.name)}  ${status.device.id}`],
      ['Home', `${escapeText(status.home)}  (${status.isDaemonRunning ? 'a daemon runs' : 'no daemon runs'})`],
      ['Version', status.version],
      [
        'Stored',
        `${countOf(chunks.count, 'chunk')}, ${formatBytes(chunks.bytes)}, in ${countOf(chunks.packs, 'pack')} of ` +
          `${formatBytes(chunks.packBytes)}; ` +
          (chunks.placedBytes === 0 ? '' : `${formatBytes(chunks.placedBytes)} in live folders; `) +
          `deduplication ${chunks.dedupRatio.toFixed(2)}x`,
      ],
    ]),
    ...section('Spaces', status.spaces.map(spaceRow)),
    ...section(
      'Peers',
      status.peers.map((peer) => peerRow(peer, now)),
    ),
    ...section(
      'Links',
      status.links.map((link) => [
        link.name,
        link.isUp ? 'up' : 'off',
        escapeText(link.isUp ? (link.addresses ?? []).join(' ') : (link.reason ?? '')),
      ]),
    ),
    ...section(
      'Notices',
      status.notices.map((notice) => [escapeText(notice)]),
    ),
  ]
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', title, ...formatTable(rows).map((line) => `  ${line}`)]
}

function spaceRow(space: SpaceInfo): string[] {
  const remarks = [
    space.missingChunks === 0
      ? 'all here'
      : `${formatBytes(space.missingBytes)} in ${countOf(space.missingChunks, 'chunk')} missing`,
    ...(space.growth ?? []).map(({ waitingBytes }) => `${formatBytes(waitingBytes)} of it until "dittofs accept"`),
    ...(space.pinned === undefined ? [] : [`pinned: ${namesOf(space.pinned)}`]),
    ...(space.evicted === undefined ? [] : [`evicted: ${namesOf(space.evicted)}`]),
    ...(space.conflicts > 0 ? [countOf(space.conflicts, 'conflict')] : []),
    ...(space.clashes.length > 0 ? [`${countOf(space.clashes.length, 'name clash', 'name clashes')}`] : []),
  ]
  return [
    escapeText(space.name),
    `${countOf(space.files, 'file')}, ${formatBytes(space.bytes)}`,
    remarks.join(', '),
    `${countOf(space.members, 'member')}${space.role === 'read' ? ', read-only here' : ''}`,
  ]
}

/** Some of the paths; `--json` has more. */
function namesOf(paths: readonly string[]): string {
  const shown = paths.slice(0, PATHS_SHOWN).map((path) => (path === '' ? '/' : escapeText(path)))
  return paths.length > shown.length ? `${shown.join(' ')} and ${paths.length - shown.length} more` : shown.join(' ')
}

function peerRow(peer: PeerInfo, now: number): string[] {
  const where =
    peer.link === undefined
      ? `not connected${peer.lastSeen === undefined ? '' : `, seen ${formatMoment(peer.lastSeen, now)}`}`
      : `${peer.link} ${peer.remote ?? ''}`.trim() + profile(peer) + standby(peer)
  const progress = peer.isUpToDate
    ? 'up to date'
    : peer.missingBytes > 0
      ? `${formatBytes(peer.missingBytes)} to fetch`
      : 'not compared yet'
  return [escapeText(peer.name), peer.id, where, escapeText(peer.problem ?? progress)]
}

function profile({ profile: name }: PeerInfo): string {
  return name === undefined ? '' : `, as ${name}`
}

function standby({ standby: others = [] }: PeerInfo): string {
  return others.length === 0 ? '' : ` (${others.join(', ')} standing by)`
}

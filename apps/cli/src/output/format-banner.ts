import type { DeviceStatus } from '@dittofs/interface'
import { escapeText } from './escape-text.ts'
import { formatTable } from './format-table.ts'

/** What a daemon says when it is ready: who it is, how it is reached, and what to type next. */
export function formatBanner(status: DeviceStatus): string[] {
  const links = status.links.map((link) => {
    const how = link.isUp ? (link.addresses ?? []).join(' ') : `off: ${link.reason ?? 'no reason is known'}`
    return [link.name, how === '' ? 'up' : escapeText(how)]
  })
  const isAlone = status.spaces.every((space) => space.members <= 1)
  return [
    `DittoFS ${status.version} runs.`,
    '',
    ...formatTable([
      ['device', `${escapeText(status.device.name)}  ${status.device.id}`],
      ['home', escapeText(status.home)],
      ...links,
    ]).map((line) => `  ${line}`),
    '',
    ...(isAlone
      ? ['Next, in another terminal:', '  dittofs invite        and at the other device: dittofs join TICKET']
      : ['In another terminal:', '  dittofs status        who is connected, what is missing']),
    '  dittofs add PATH      shares a file or a directory',
    'Ctrl-C stops it.',
  ]
}

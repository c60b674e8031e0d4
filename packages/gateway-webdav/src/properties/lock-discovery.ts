import type { Lock } from '../lock-table.ts'
import { hrefElement } from '../multistatus-writer.ts'
import { escapeText } from '../xml-escape.ts'

/** What stands in a `lockdiscovery` (RFC 4918 15.8). Tokens are no secret: they count only from whom they were given to. */
export function lockDiscovery(locks: readonly { readonly lock: Lock; readonly remainingMs: number }[]): string {
  return locks
    .map(({ lock, remainingMs }) =>
      [
        '<D:activelock><D:locktype><D:write/></D:locktype>',
        `<D:lockscope><D:${lock.isExclusive ? 'exclusive' : 'shared'}/></D:lockscope>`,
        `<D:depth>${lock.isDeep ? 'infinity' : '0'}</D:depth>`,
        lock.owner,
        `<D:timeout>Second-${Math.ceil(remainingMs / 1000)}</D:timeout>`,
        `<D:locktoken><D:href>${escapeText(lock.token)}</D:href></D:locktoken>`,
        `<D:lockroot>${hrefElement(lock.href)}</D:lockroot></D:activelock>`,
      ].join(''),
    )
    .join('')
}

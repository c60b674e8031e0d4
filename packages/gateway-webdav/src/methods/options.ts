import { type Exchange, reply } from '../exchange.ts'

const READING = ['OPTIONS', 'GET', 'HEAD', 'PROPFIND'] as const
const CHANGING = ['PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'PROPPATCH', 'LOCK', 'UNLOCK'] as const

/** What `Allow` tells of an export. */
export function allowedMethods(isReadOnly: boolean): string {
  return [...READING, ...(isReadOnly ? [] : CHANGING)].join(', ')
}

/** Windows looks at MS-Author-Via before it treats a server as a drive, and macOS at class 2 before it writes. */
export async function options(exchange: Exchange): Promise<void> {
  reply(exchange, 200, {
    Allow: allowedMethods(exchange.served?.isReadOnly ?? true),
    DAV: '1, 2, 3',
    'MS-Author-Via': 'DAV',
    'Accept-Ranges': 'bytes',
  })
}

import type { VolumeEntry } from '@dittofs/interface'
import { entriesOf } from '../directory-entries.ts'
import type { Exchange } from '../exchange.ts'
import { formatIsoDate } from '../http-date.ts'
import { formatHref, type RequestPath } from '../request-path.ts'
import { findResource, type Resource } from '../resource.ts'
import { ResponseWriter } from '../response-writer.ts'
import { escapeAttribute, escapeText } from '../xml-escape.ts'

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'private, no-store',
} as const

const STYLE =
  'body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}' +
  'table{border-collapse:collapse;width:100%}td,th{padding:.15rem .5rem;text-align:left}' +
  '.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}'

/** A page that lists a directory for a browser, or the exports where there is no directory. No script, no picture. */
export async function sendListing(exchange: Exchange, directory: Resource | undefined): Promise<void> {
  const { response, method, path, signal } = exchange
  if (method === 'HEAD') {
    response.writeHead(200, HEADERS)
    response.end()
    return
  }
  const rows = directory === undefined ? exportRows(exchange) : directoryRows(directory)
  // The first row is there before the status goes out: what cannot be listed is then told as such.
  const first = await rows.next()
  response.writeHead(200, HEADERS)
  const writer = new ResponseWriter(response, signal)
  const title = path.exportName === undefined ? 'Spaces' : [path.exportName, ...path.names].join(' / ')
  await writer.text(
    `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
      `<title>${escapeText(title)}</title><style>${STYLE}</style></head><body><h1>${escapeText(title)}</h1>\n` +
      '<table><thead><tr><th>Name</th><th class="n">Bytes</th><th class="n">Changed</th></tr></thead><tbody>\n',
  )
  if (path.exportName !== undefined) await writer.text(row(formatHref(above(path), true), '..', undefined))
  if (first.done !== true) await writer.text(first.value)
  for await (const one of rows) await writer.text(one)
  await writer.text('</tbody></table></body></html>\n')
  await writer.end()
}

async function* exportRows({ state, address }: Exchange): AsyncGenerator<string> {
  for (const served of state.exports.values()) {
    if (!served.isAllowed(address)) continue
    yield row(formatHref({ exportName: served.name, names: [] }, true), `${served.name}/`, undefined)
  }
}

async function* directoryRows({ served, path, entry }: Resource): AsyncGenerator<string> {
  for await (const { name, entry: found } of entriesOf(served.volume, entry as VolumeEntry)) {
    const child = { exportName: path.exportName, names: [...path.names, name] }
    const isLink = found.attributes.kind === 'symlink'
    const shown = isLink ? (await findResource(served, child)).entry : found
    if (shown === undefined) continue
    const isDirectory = shown.attributes.kind === 'directory'
    yield row(formatHref(child, isDirectory), isDirectory ? `${name}/` : name, shown)
  }
}

function row(href: string, text: string, entry: VolumeEntry | undefined): string {
  const isFile = entry !== undefined && entry.attributes.kind !== 'directory'
  const size = isFile ? entry.attributes.size.toLocaleString('en') : ''
  const time = entry === undefined ? '' : formatIsoDate(entry.attributes.mtimeNs).slice(0, 19).replace('T', ' ')
  return (
    `<tr><td><a href="${escapeAttribute(href)}">${escapeText(text)}</a></td>` +
    `<td class="n">${size}</td><td class="n">${time}</td></tr>\n`
  )
}

function above(path: RequestPath): RequestPath {
  return path.names.length === 0 ? { exportName: undefined, names: [] } : { ...path, names: path.names.slice(0, -1) }
}

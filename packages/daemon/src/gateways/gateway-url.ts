import type { GatewayRow } from './gateway-row.ts'

/** A space's name as one part of a path. */
export function exportName(name: string): string {
  const usable = name.replaceAll(/[/\\\0]/g, '_')
  return usable === '' || usable === '.' || usable === '..' ? 'space' : usable
}

/** Where clients find it. */
export function gatewayUrl({ protocol, host, port, tlsKey }: GatewayRow, name: string): string {
  const authority = host.includes(':') ? `[${host}]` : host
  const place = encodeURIComponent(name)
  if (protocol === 'nfs') return `nfs://${authority}/${place}?nfsport=${port}&mountport=${port}&version=3`
  return `${tlsKey === undefined ? 'http' : 'https'}://${authority}:${port}/${place}/`
}

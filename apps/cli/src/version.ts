import { readFileSync } from 'node:fs'

/** The version of this program. The package's manifest stands above the sources as above the bundle. */
export function readVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

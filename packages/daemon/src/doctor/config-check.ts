import { readFile } from 'node:fs/promises'
import { type Check, type Finding, isDittoError } from '@dittofs/interface'
import { parseConfig } from '../config/config-file.ts'
import { type Config, DEFAULT_CONFIG } from '../config/config-schema.ts'

/** Whether the settings can be used, and leave a way for devices to find each other. */
export function configCheck(file: string): Check {
  return {
    name: 'config',
    run: async () => {
      try {
        const config = await readConfig(file)
        return [...deafness(config), { level: 'ok', text: 'The settings can be used.' }].slice(0, 1) as Finding[]
      } catch (error) {
        if (!isDittoError(error)) throw error
        return [{ level: 'problem', text: `${error.message} Correct the line, or put a "#" before it.` }]
      }
    },
  }
}

/** The settings; the defaults where there is no file. Writes none. @throws DittoError DITTO_CONFIG_INVALID */
export async function readConfig(file: string): Promise<Config> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? DEFAULT_CONFIG : parseConfig(text, file)
}

function deafness({ mdns, beacon, peers }: Config): Finding[] {
  if (mdns || beacon || peers.length > 0) return []
  return [
    {
      level: 'warning',
      text: 'mdns and beacon are off and "peers" is empty: this device finds nobody; switch one on in config.toml, or name other devices.',
    },
  ]
}

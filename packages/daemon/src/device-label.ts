import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { DittoError } from '@dittofs/interface'
import { withConfigValue } from './config/config-file.ts'
import { CONFIG_KEYS } from './config/config-schema.ts'
import { writeFileWhole } from './home/write-file-whole.ts'

/** What people see this device called, kept in `config.toml`. */
export class DeviceLabel {
  readonly #configFile: string
  #name: string

  /** @param configured - `name` of the config; empty for the machine's own name */
  constructor(configFile: string, configured: string) {
    this.#configFile = configFile
    this.#name = configured
  }

  get name(): string {
    return this.#name === '' ? hostname() : this.#name
  }

  /** Durable on return. @throws DittoError DITTO_USAGE, DITTO_CONFIG_INVALID */
  async rename(name: string): Promise<void> {
    if (name === '' || !CONFIG_KEYS.name.isValid(name)) {
      throw new DittoError('DITTO_USAGE', `A device's name must be ${CONFIG_KEYS.name.expected}, and not empty.`)
    }
    if (name === this.#name) return
    const text = await readFile(this.#configFile, 'utf8')
    await writeFileWhole(this.#configFile, withConfigValue(text, this.#configFile, 'name', name))
    this.#name = name
  }
}

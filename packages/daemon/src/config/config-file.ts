import { readFile } from 'node:fs/promises'
import { DittoError } from '@dittofs/interface'
import { systemErrorName } from '@dittofs/live-folder'
import { parse, stringify, TomlError } from 'smol-toml'
import { writeFileWhole } from '../home/write-file-whole.ts'
import { CONFIG_KEYS, type Config, DEFAULT_CONFIG } from './config-schema.ts'

/** No hand writes a larger one; what is larger was not meant for us. */
const MAX_CONFIG_BYTES = 1024 * 1024

/**
 * Reads `config.toml`; where there is none, writes one that shows every key.
 *
 * @throws DittoError DITTO_CONFIG_INVALID naming the line or the key, and system errors
 */
export async function loadConfig(file: string): Promise<Config> {
  try {
    return parseConfig(await readFile(file, 'utf8'), file)
  } catch (error) {
    if (systemErrorName(error) !== 'ENOENT') throw error
    await writeFileWhole(file, configTemplate())
    return DEFAULT_CONFIG
  }
}

/** @throws DittoError DITTO_CONFIG_INVALID */
export function parseConfig(text: string, file: string): Config {
  if (text.length > MAX_CONFIG_BYTES) throw invalid(file, 'it is larger than 1 MiB')
  const table = parseToml(text, file)
  const known = CONFIG_KEYS as Readonly<Record<string, (typeof CONFIG_KEYS)[keyof Config]>>
  for (const [key, value] of Object.entries(table)) {
    if (!Object.hasOwn(known, key)) {
      throw invalid(file, `there is no key ${JSON.stringify(key)}; the keys are ${Object.keys(known).join(', ')}`)
    }
    const { isValid, expected } = known[key] as { isValid: (value: unknown) => boolean; expected: string }
    if (!isValid(value)) throw invalid(file, `${key} must be ${expected}`)
  }
  return { ...DEFAULT_CONFIG, ...table }
}

/** The file as it is first written: every key with its default, commented out, below what it means. */
export function configTemplate(): string {
  const parts = Object.entries(CONFIG_KEYS).map(([key, { description, fallback }]) =>
    [...wrap(description).map((line) => `# ${line}`), `#${assignment(key, fallback)}`].join('\n'),
  )
  return [
    '# The settings of this device. A line that begins with "#" is not in force; docs/configuration.md says more.',
  ]
    .concat(parts)
    .join('\n\n')
    .concat('\n')
}

/**
 * Sets one key in the text of a config file and leaves every other line as it is.
 *
 * @throws DittoError DITTO_CONFIG_INVALID when the key is written there in a form that a line cannot replace
 */
export function withConfigValue<Key extends keyof Config>(
  text: string,
  file: string,
  key: Key,
  value: Config[Key],
): string {
  const line = assignment(key, value)
  const inForce = new RegExp(`^[ \\t]*${key}[ \\t]*=.*$`, 'm')
  const asComment = new RegExp(`^#[ \\t]*${key}[ \\t]*=.*$`, 'm')
  const place = inForce.test(text) ? inForce : asComment
  const changed = place.test(text) ? text.replace(place, () => line) : `${line}\n${text}`
  const outcome = parseConfig(changed, file)[key]
  if (outcome !== value) throw invalid(file, `${key} could not be set; write there by hand: ${line}`)
  return changed
}

function assignment(key: string, value: unknown): string {
  return stringify({ [key]: value }).trim()
}

function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [what = 'it is no TOML'] = cause.message.replace('Invalid TOML document: ', '').split('\n')
    throw invalid(file, `line ${cause.line}: ${what}`, cause)
  }
}

function invalid(file: string, reason: string, cause?: unknown): DittoError {
  return new DittoError('DITTO_CONFIG_INVALID', `The settings in ${JSON.stringify(file)} cannot be used: ${reason}.`, {
    cause,
    details: { file },
  })
}

/** Lines of at most about 100 characters. */
function wrap(text: string): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] as string
    if (last.length + word.length > 98) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}

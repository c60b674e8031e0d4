import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { CONFIG_KEYS } from '../src/config/config-schema.ts'

describe('docs/configuration.md', () => {
  it('has a row for each key of the schema, with its default, what it takes and what it means', async () => {
    const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    const expected = Object.entries(CONFIG_KEYS).map(
      ([key, { fallback, expected, description }]) =>
        `| \`${key}\` | \`${JSON.stringify(fallback)}\` | ${expected} | ${description} |`,
    )
    expect(rows).toEqual(expected)
  })
})

import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import * as limits from '../src/limits.ts'

it('every limit stands in docs/limits.md with its value, and no other', async () => {
  const page = await readFile(new URL('../../../docs/limits.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [name, Number(value)])
  expect(Object.fromEntries(documented)).toEqual({ ...limits })
})

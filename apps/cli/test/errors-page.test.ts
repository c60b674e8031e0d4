import { readFile } from 'node:fs/promises'
import { ERROR_CODES } from '@dittofs/interface'
import { expect, it } from 'vitest'
import { exitStatusOfCode } from '../src/exit-status.ts'

it('docs/errors.md has every code once, with its exit status and three answers', async () => {
  const page = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(DITTO_\w+)` \| (\d) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
  expect(rows.map(([, code, status]) => [code, Number(status)])).toEqual(
    ERROR_CODES.map((code) => [code, exitStatusOfCode(code)]),
  )
})

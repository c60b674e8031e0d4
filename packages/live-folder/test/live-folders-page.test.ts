import { readdir, readFile } from 'node:fs/promises'
import nodePath from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isBraked } from '../src/engine/brake.ts'
import { parseIgnoreFile } from '../src/ignore/ignore-file.ts'
import { MARKER_NAME } from '../src/plan/own-names.ts'

const SOURCES = fileURLToPath(new URL('../src', import.meta.url))
const page = await readFile(new URL('../../../docs/live-folders.md', import.meta.url), 'utf8')

/** The first cells of the rows of each table whose first head is "it says", as they stand in backticks. */
function quoted(text: string): string[] {
  const tables = text.split('\n\n').filter((block) => block.startsWith('| it says |'))
  return tables.flatMap((table) => [...table.matchAll(/^\|([^|]+)\|/gm)].flatMap(([, cell]) => backticked(cell ?? '')))
}

function backticked(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, sentence]) => (sentence ?? '').replaceAll('…', '').trim())
}

describe('docs/live-folders.md', () => {
  it('quotes what the live folders say', async () => {
    const files = (await readdir(SOURCES, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const sources = await Promise.all(files.map((name) => readFile(nodePath.join(SOURCES, name), 'utf8')))
    // The name of the marker is put into its sentence.
    const said = sources.join('\n').replaceAll(/\$\{MARKER_NAME\}/g, MARKER_NAME)
    const sentences = quoted(page)
    expect(sentences.length).toBeGreaterThan(10)
    expect(sentences.filter((sentence) => !said.includes(sentence))).toEqual([])
  })

  it('says when the brake holds', () => {
    const pattern =
      /more than ([\d,]+) files would be deleted or replaced, or more than (\d+) % of a folder of (\d+) files/
    const [, files, share, least] = pattern.exec(page.replaceAll('\n', ' ')) ?? []
    const [maxFiles, percent, minFiles] = [Number(files?.replace(',', '')), Number(share), Number(least)]
    const isHeld = (deletedFiles: number, of: number) =>
      isBraked({ deletedFiles, replacedFiles: 0, files: of }, maxFiles)
    expect(isHeld(maxFiles, 100 * maxFiles)).toBe(false)
    expect(isHeld(maxFiles + 1, 100 * maxFiles)).toBe(true)
    expect(isHeld(percent, 100)).toBe(false)
    expect(isHeld(percent + 1, 100)).toBe(true)
    expect(isHeld(minFiles, minFiles)).toBe(true)
    expect(isHeld(minFiles - 1, minFiles - 1)).toBe(false)
  })

  it('says how much of an ignore file counts', () => {
    const text = page.replaceAll('\n', ' ')
    const [, lines, bytes] = /([\d,]+) lines of (\d+) bytes, at most two `\*\*` and 16 `\*` in a line/.exec(text) ?? []
    const isWhole = (content: string) => parseIgnoreFile(content, '.dittoignore').faults.length === 0
    const maxLines = Number(lines?.replace(',', ''))
    expect(isWhole('a\n'.repeat(maxLines))).toBe(true)
    expect(isWhole('a\n'.repeat(maxLines + 1))).toBe(false)
    expect(isWhole('a'.repeat(Number(bytes)))).toBe(true)
    expect(isWhole('a'.repeat(Number(bytes) + 1))).toBe(false)
    expect(isWhole('**/a/**')).toBe(true)
    expect(isWhole('**/a/**/b/**')).toBe(false)
    expect(isWhole('*a'.repeat(16))).toBe(true)
    expect(isWhole('*a'.repeat(17))).toBe(false)
  })
})

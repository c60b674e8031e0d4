import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { expect, it } from 'vitest'
import { createProgram, forEachCommand } from '../src/program.ts'
import { renderCommand } from './support/render-command.ts'

const PAGE = new URL('../../../docs/cli.md', import.meta.url)
const SECTION = /(<!-- generated: (.+) -->\n)[\s\S]*?(\n<!-- end -->)/g

const commands = new Map<string, Command>()
const program = createProgram(async () => {})
forEachCommand(program, (command) => {
  if (command !== program)
    commands.set(`${command.parent === program ? '' : `${command.parent?.name()} `}${command.name()}`, command)
})

/** `vitest run apps/cli -u` brings the page up to date. */
it('docs/cli.md states every command as its help does', async () => {
  const page = await readFile(PAGE, 'utf8')
  const documented = [...page.matchAll(SECTION)].map(([, , name]) => name)
  expect(documented).toEqual([...commands.keys()])
  const upToDate = page.replace(SECTION, (_, begin: string, name: string, end: string) => {
    const command = commands.get(name)
    return `${begin}${command === undefined ? '' : renderCommand(command)}${end}`
  })
  await expect(upToDate).toMatchFileSnapshot(PAGE.pathname)
})

it('docs/cli.md states every option that all commands take', async () => {
  const page = await readFile(PAGE, 'utf8')
  for (const { flags } of program.options) expect(page).toContain(`| \`${flags}\` |`)
})

import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../src/logs/create-logger.ts'

describe('createLogger', () => {
  it('writes one JSON object a line, for the owner alone', async () => {
    const file = path.join(await temporaryDirectory(), 'dittofs.log')
    const logger = createLogger({ file, maxBytes: 1_000_000, level: 'info' })
    logger.debug({}, 'too fine')
    logger.warn({ path: '/a\nb', error: new Error('broken') }, 'Something happened.')
    await logger.close()
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] as string)).toMatchObject({ msg: 'Something happened.', path: '/a\nb', level: 40 })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('never writes what is named as a secret', async () => {
    const file = path.join(await temporaryDirectory(), 'dittofs.log')
    const logger = createLogger({ file, maxBytes: 1_000_000, level: 'info' })
    logger.info({ ticket: 'DITTO1ABC', space: { meet: 'DITTO1ABC' } }, 'An invitation was made.')
    await logger.close()
    expect(await readFile(file, 'utf8')).not.toContain('DITTO1ABC')
  })

  it('stays bounded: four files of about the size set', async () => {
    const directory = await temporaryDirectory()
    for (let round = 0; round < 10; round++) {
      const logger = createLogger({ file: path.join(directory, 'dittofs.log'), maxBytes: 2_000, level: 'info' })
      for (let i = 0; i < 30; i++) logger.info({ i }, 'x'.repeat(100))
      await logger.close()
    }
    const files = (await readdir(directory)).sort()
    expect(files).toEqual(['dittofs.log.1', 'dittofs.log.2', 'dittofs.log.3'])
    const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(directory, name))).size))
    expect(Math.max(...sizes)).toBeLessThan(20_000)
  })

  it('goes on when the file cannot be written', async () => {
    const logger = createLogger({
      file: path.join(await temporaryDirectory(), 'no', 'such'),
      maxBytes: 1,
      level: 'info',
    })
    logger.error({}, 'nobody hears this')
    await expect(logger.close()).resolves.toBeUndefined()
  })
})

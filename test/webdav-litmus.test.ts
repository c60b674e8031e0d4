import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { missingPrograms, runProgram, serveWebdav } from './support/webdav.ts'

/** The suites of litmus and how many tests each has in version 0.13. */
const SUITES = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 }

const skip = skipBecause(missingPrograms('litmus'))

describe('litmus', () => {
  it.skipIf(skip).each(Object.entries(SUITES))('passes %s, all %i tests, without a warning', async (suite, count) => {
    const { url } = await serveWebdav()
    const cwd = await temporaryDirectory()
    const { text, status } = await runProgram('litmus', ['-k', url], { cwd, env: { TESTS: suite } })
    expect(text).not.toMatch(/FAIL|WARNING|SKIPPED/)
    expect(text).toMatch(new RegExp(`of ${count} tests run: ${count} passed, 0 failed`))
    expect(status).toBe(0)
  })

  it.skipIf(skip)('passes what a password guards', async () => {
    const verify = (shown: { scheme: string }) => (shown.scheme === 'basic' ? 'alice' : undefined)
    const { url } = await serveWebdav({ verify, isLoopbackOpen: false })
    const cwd = await temporaryDirectory()
    const { text, status } = await runProgram('litmus', [url, 'alice', 'secret'], { cwd, env: { TESTS: 'basic http' } })
    expect([status, text.match(/100\.0%/g)?.length]).toEqual([0, 2])
  })
})

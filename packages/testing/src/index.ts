/**
 * Compliance suites, in-memory implementations and fixtures for tests.
 *
 * @packageDocumentation
 */
export { type LinkSuiteInit, linkSuite } from './link-suite.ts'
export { MemoryLink, type MemoryLinkInit, memoryLinkPair } from './memory-link.ts'
export { temporaryDirectory } from './temporary-directory.ts'

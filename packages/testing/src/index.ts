/**
 * Compliance suites, in-memory implementations and fixtures for tests.
 *
 * @packageDocumentation
 */
export { temporaryDirectory } from './temporary-directory.ts'

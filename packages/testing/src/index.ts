/**
 * Compliance suites, in-memory implementations and fixtures for tests.
 *
 * @packageDocumentation
 */
export { MemoryLink, type MemoryLinkInit, memoryLinkPair } from './memory-link.ts'
export { MemoryNetwork, type MemoryNetworkInit } from './memory-network.ts'
export { type MemoryTransportInit, memoryTransport } from './memory-transport.ts'
export { temporaryDirectory } from './temporary-directory.ts'
export { type TransportSubject, type TransportSuiteInit, transportSuite } from './transport-suite.ts'

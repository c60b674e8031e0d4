/**
 * Compliance suites, in-memory implementations and fixtures for tests.
 *
 * @packageDocumentation
 */
export {
  ALICE_SPACE,
  BOB_SPACE,
  type ChunkStoreSuiteInit,
  chunkOf,
  chunkStoreSuite,
} from './chunk-store-suite.ts'
export { CrashFileSystem, emptyDisk, type SimulatedDisk } from './crash-file-system.ts'
export { crashIndexDatabase, type SimulatedIndex } from './crash-index-database.ts'
export { type CallFate, CrashMachine, type CrashMachineInit, type FaultCode, systemError } from './crash-machine.ts'
export { type CuttableTransport, cuttableTransport } from './cuttable-transport.ts'
export { type DeviceSuiteInit, deviceSuite } from './device-suite.ts'
export { type LinkSuiteInit, linkSuite } from './link-suite.ts'
export { ManualClock, type ManualClockInit } from './manual-clock.ts'
export { type MembershipSuiteInit, membershipSuite } from './membership-suite.ts'
export { MemoryChunkStore, type MemoryChunkStoreInit, memoryChunkStore } from './memory-chunk-store.ts'
export { MemoryLink, type MemoryLinkInit, memoryLinkPair } from './memory-link.ts'
export { type MemberStatement, type MemoryMemberState, MemoryMembers } from './memory-members.ts'
export { type MemoryMembershipInit, memoryMembership } from './memory-membership.ts'
export { MemoryNetwork, type MemoryNetworkInit } from './memory-network.ts'
export { type MemorySignalChannelInit, type MemorySignaling, memorySignaling } from './memory-signal-channel.ts'
export { type MemoryTransportInit, memoryTransport } from './memory-transport.ts'
export { MemoryVolume, type MemoryVolumeInit, memoryVolume } from './memory-volume.ts'
export { exchangeMetadata, metadataFile } from './metadata-samples.ts'
export { type MetadataStoreSuiteInit, metadataStoreSuite } from './metadata-store-suite.ts'
export { pseudoRandomBytes } from './pseudo-random-bytes.ts'
export { seededRandom } from './seeded-random.ts'
export { settle } from './settle.ts'
export { type SignalChannelSubject, type SignalChannelSuiteInit, signalChannelSuite } from './signal-channel-suite.ts'
export { temporaryDirectory } from './temporary-directory.ts'
export { type TransportSubject, type TransportSuiteInit, transportSuite } from './transport-suite.ts'
export { turnClock } from './turn-clock.ts'
export { type VolumeSuiteInit, volumeSuite } from './volume-suite.ts'

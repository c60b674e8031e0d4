/**
 * Device identity, knock and TLS 1.3 over any duplex.
 *
 * ```ts
 * import { connectLink, knockKey, loadOrCreateIdentity } from '@dittofs/link'
 *
 * const identity = await loadOrCreateIdentity('/home/alice/.dittofs/identity')
 * const knockKeys = [{ match: { kind: 'space', name: space }, secret: knockKey(meet, 'knock') }]
 * const link = await connectLink({ duplex, transport: 'tcp', remote, identity, knockKeys, expected: bob })
 * link.send(hello)
 * for await (const frame of link.frames()) receive(frame)
 * ```
 *
 * @packageDocumentation
 */
export { type AcceptLinkInit, acceptLink } from './accept-link.ts'
export {
  type AddressRecord,
  MAX_RECORDED_ADDRESSES,
  readAddressRecord,
  signAddressRecord,
  type UncheckedAddressRecord,
} from './address-record.ts'
export type { AdmissionLimits } from './admission-control.ts'
export { type ConnectLinkInit, connectLink } from './connect-link.ts'
export { type Admission, type ConnectionGate, type ConnectionGateInit, connectionGate } from './connection-gate.ts'
export { deviceId, parseDeviceId } from './device-id.ts'
export { verifySignature } from './ed25519.ts'
export { FIND_NONCE_BYTES, FIND_TAG_BYTES, findTags, MAX_FIND_TAGS, matchFindTags } from './find-tags.ts'
export { createIdentity, type Identity, type LoadIdentityOptions, loadOrCreateIdentity } from './identity.ts'
export { MAX_OFFERED_KEYS } from './knock-codec.ts'
export { type KnockKey, knockKey } from './knock-key.ts'
export { DEFAULT_LINK_LIMITS, type LinkLimits, SLOW_LINK_LIMITS } from './link-limits.ts'
export {
  BUNDLE_ID_BYTES,
  decodePartHeader,
  isPartFor,
  MAX_PART_CONTENT_BYTES,
  openPart,
  PART_HEADER_BYTES,
  type PartHeader,
  type PartPlace,
  partSealer,
} from './sealed-part.ts'

import type { Volume, VolumeExport } from '@dittofs/interface'
import { addressRule } from './address-rule.ts'
import type { DeadProperties } from './dead-properties.ts'
import { SidecarStore } from './sidecar-store.ts'
import { SidecarVolume } from './sidecar-volume.ts'

/**
 * What becomes of `._*` and `.DS_Store` files that a Mac makes beside those of a person: held in memory until the gateway
 * stops, put in the space as any file, or refused.
 */
export const SIDECAR_POLICIES = ['memory', 'keep', 'refuse'] as const
export type SidecarPolicy = (typeof SIDECAR_POLICIES)[number]

/** An export with what the gateway keeps beside it. */
export interface ServedVolume {
  readonly name: string
  readonly volume: Volume
  readonly isReadOnly: boolean
  readonly isAllowed: (address: string) => boolean
  readonly properties: DeadProperties
}

interface ServeVolumeOptions {
  readonly sidecars: SidecarPolicy
  readonly properties: DeadProperties
  readonly nowMs: () => number
}

/** @throws DittoError DITTO_CONFIG_INVALID: an allowed address that is none */
export function serveVolume(one: VolumeExport, { sidecars, properties, nowMs }: ServeVolumeOptions): ServedVolume {
  const store = sidecars === 'memory' ? new SidecarStore(nowMs) : undefined
  return {
    name: one.name,
    volume: sidecars === 'keep' ? one.volume : new SidecarVolume(one.volume, store),
    isReadOnly: one.isReadOnly || one.volume.isReadOnly,
    isAllowed: addressRule(one.allowedAddresses),
    properties,
  }
}

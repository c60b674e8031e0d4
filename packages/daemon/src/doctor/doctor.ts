import { lstat } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { packChunkStore } from '@dittofs/chunk-store'
import {
  type Check,
  type CheckedFinding,
  type Device,
  type DeviceStatus,
  DittoError,
  type ExamineOptions,
  isDittoError,
} from '@dittofs/interface'
import { probeBroadcast, probeMulticast } from '@dittofs/transport-tcp'
import { DEFAULT_CONFIG, iceUrls } from '../config/config-schema.ts'
import { connectDevice } from '../control/connect-device.ts'
import { diskSpaceOf } from '../limits/disk-reserve.ts'
import { openDevice } from '../open-device.ts'
import { NOT_BEFORE } from '../version.ts'
import { beaconCheck } from './beacon-check.ts'
import { bluetoothCheck } from './bluetooth-check.ts'
import { clockCheck } from './clock-check.ts'
import { configCheck, readConfig } from './config-check.ts'
import { deviceCheck } from './device-check.ts'
import { diskCheck } from './disk-check.ts'
import { firewallCheck } from './firewall-check.ts'
import { homeCheck } from './home-check.ts'
import { integrityCheck } from './integrity/integrity-check.ts'
import { pairedIntegrityCheck } from './integrity/paired-integrity-check.ts'
import { interfacesCheck } from './interfaces-check.ts'
import { multicastCheck } from './multicast-check.ts'
import { nodeCheck } from './node-check.ts'
import { peersCheck } from './peers-check.ts'
import { portCheck } from './port-check.ts'
import { probeStun } from './probe-stun.ts'
import { readFirewall } from './read-firewall.ts'
import { runChecks } from './run-checks.ts'
import { signalingCheck } from './signaling-check.ts'
import { stunCheck } from './stun-check.ts'
import { inotifyLimits, tryToConnect, tryToListen, tryToWatch } from './system-probes.ts'
import { watcherCheck } from './watcher-check.ts'

/**
 * Looks for what keeps this device from working, with or without a daemon, and also where the device cannot be opened.
 * What needs no device is looked at first: opening one repairs the modes of its directories.
 *
 * @param home - absolute; nothing is made where there is none
 */
export async function examine(home: string, options: ExamineOptions = {}): Promise<CheckedFinding[]> {
  const patient = new Patient(home, options.signal)
  try {
    const checks = checksOf(home, patient, await settingsOf(home))
    const integrity = options.isIntegrityAsked === true ? [integrityOf(home), pairedIntegrityOf(patient, options)] : []
    return await runChecks([...checks, ...integrity], options)
  } finally {
    await patient.close()
  }
}

/** On the disk of the home, which is where content is kept. */
function integrityOf(home: string): Check {
  return integrityCheck({
    directory: async () => ((await exists(home)) ? home : undefined),
    createStore: (directory) => packChunkStore({ directory }),
    now: Date.now,
  })
}

/** Over a link, which a device that was opened here gets for this check alone. */
function pairedIntegrityOf(patient: Patient, options: ExamineOptions): Check {
  const { integrityDevice, integritySeed, signal } = options
  return pairedIntegrityCheck({
    devices: async () => ((await (await patient.device())?.devices()) ?? []).filter(({ isSelf }) => !isSelf),
    device: integrityDevice,
    check: async (id) => {
      const device = await patient.onlineDevice()
      return device.checkPatterns(id, {
        ...(integritySeed !== undefined && { seed: integritySeed }),
        ...(signal !== undefined && { signal }),
      })
    },
  })
}

/** Every check, with the real machine behind it. A new one is one file and one line here. */
function checksOf(home: string, patient: Patient, config: typeof DEFAULT_CONFIG): Check[] {
  const links = async () => (await patient.status())?.links
  const peers = async () => (await patient.status())?.peers ?? []
  const listener = async () => {
    const status = await patient.status()
    return status?.isDaemonRunning === true ? status.links.find(({ name }) => name === 'tcp') : undefined
  }
  const tcpPort = async () => {
    const port = Number(/:(\d+)$/.exec((await listener())?.addresses?.[0] ?? '')?.[1] ?? config.port)
    return port === 0 ? undefined : port
  }
  return [
    nodeCheck(process.versions.node),
    homeCheck(home),
    configCheck(path.join(home, 'config.toml')),
    deviceCheck(() => patient.device()),
    clockCheck({ now: Date.now, notBefore: NOT_BEFORE, peers }),
    diskCheck({
      places: () => patient.places(),
      space: diskSpaceOf,
      reserve: () => config.reserve,
    }),
    watcherCheck({ limits: inotifyLimits, neededWatches: () => patient.watchedDirectories(), watch: tryToWatch }),
    interfacesCheck(networkInterfaces),
    portCheck({ settings: () => config, listener, listen: tryToListen, connect: tryToConnect }),
    multicastCheck(
      () => config.mdns,
      () => probeMulticast(networkInterfaces()),
    ),
    beaconCheck(
      () => config.beacon,
      () => probeBroadcast(networkInterfaces()),
    ),
    firewallCheck({ rules: readFirewall, tcpPort }),
    signalingCheck(() => config.signaling, links),
    stunCheck(() => iceUrls('stun', config.stun), probeStun),
    bluetoothCheck(links),
    peersCheck(peers, Date.now),
  ]
}

/** The defaults where the file cannot be used: the check of the settings says so itself. */
async function settingsOf(home: string): Promise<typeof DEFAULT_CONFIG> {
  return readConfig(path.join(home, 'config.toml')).catch(() => DEFAULT_CONFIG)
}

/** The device that is examined, opened when the first check asks for it. */
class Patient {
  readonly #home: string
  readonly #signal: AbortSignal | undefined
  #device: Promise<Device | undefined> | undefined
  /** Opened in this process, and without its links. */
  #isOpenedHere = false

  constructor(home: string, signal: AbortSignal | undefined) {
    this.#home = home
    this.#signal = signal
  }

  /** @returns `undefined` where there is none yet. @throws what opening it throws */
  device(): Promise<Device | undefined> {
    this.#device ??= this.#open()
    return this.#device
  }

  /** The device with its links. @throws DittoError DITTO_NOT_FOUND (none yet), and what opening it throws */
  async onlineDevice(): Promise<Device> {
    const device = await this.device()
    if (device === undefined) throw new DittoError('DITTO_NOT_FOUND', 'There is no device in this home yet.')
    if (!this.#isOpenedHere) return device
    await device.close()
    this.#device = openDevice({ home: this.#home, online: true })
    this.#isOpenedHere = false
    return (await this.#device) as Device
  }

  /** `undefined` also where the device cannot be opened. */
  async status(): Promise<DeviceStatus | undefined> {
    const device = await this.device().catch(() => undefined)
    return device?.status()
  }

  async places(): Promise<{ title: string; directory: string }[]> {
    const device = await this.device().catch(() => undefined)
    const folders = (await device?.folders.list()) ?? []
    const isThere = await exists(this.#home)
    return [
      { title: 'the home', directory: isThere ? this.#home : path.dirname(this.#home) },
      ...folders.map(({ directory }) => ({ title: JSON.stringify(directory), directory })),
    ]
  }

  /** Directories of the spaces that have live folders, and the folders themselves. */
  async watchedDirectories(): Promise<number> {
    const device = await this.device().catch(() => undefined)
    const folders = (await device?.folders.list()) ?? []
    const spaces = (await device?.spaces()) ?? []
    const inSpace = (id: string) => spaces.find((space) => space.id === id)?.directories ?? 0
    return folders.reduce((sum, { space }) => sum + 1 + inSpace(space.id), 0)
  }

  async close(): Promise<void> {
    await this.#device?.then(
      (device) => device?.close(),
      () => undefined,
    )
  }

  async #open(): Promise<Device | undefined> {
    if (!(await exists(this.#home))) return undefined
    try {
      return await connectDevice({ home: this.#home }, this.#signal === undefined ? {} : { signal: this.#signal })
    } catch (error) {
      if (!isDittoError(error, 'DITTO_DAEMON_UNREACHABLE')) throw error
    }
    this.#isOpenedHere = true
    return openDevice({ home: this.#home })
  }
}

async function exists(place: string): Promise<boolean> {
  return lstat(place).then(
    () => true,
    () => false,
  )
}

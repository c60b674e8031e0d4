import { randomBytes as systemRandomBytes } from 'node:crypto'
import path from 'node:path'
import { encodeLeaf, packChunkStore, placedChunkStore, readManifest } from '@dittofs/chunk-store'
import { type DeviceKey, type RandomBytes, systemClock } from '@dittofs/interface'
import { loadOrCreateIdentity } from '@dittofs/link'
import { openNodeFolderFileSystem, openSpaceFolders, systemWatcher } from '@dittofs/live-folder'
import { levelKeyValueStore, openMemberships } from '@dittofs/membership'
import { BundleTable } from './bundle/bundle-table.ts'
import { ChangeSignal } from './change-signal.ts'
import { ClosingStack } from './closing-stack.ts'
import { loadConfig } from './config/config-file.ts'
import { withInit } from './config/with-init.ts'
import { noFetcher } from './content/content-fetcher.ts'
import { HeldChunks } from './content/held-chunks.ts'
import { LocalDevice } from './device.ts'
import type { DeviceInit } from './device-init.ts'
import { DeviceLabel } from './device-label.ts'
import { checkStore } from './doctor/integrity/check-store.ts'
import { EchoDesk } from './doctor/integrity/echo-desk.ts'
import { DeviceFolders } from './folders/device-folders.ts'
import { LinkedFolders } from './folders/linked-folders.ts'
import { openFolderBase } from './folders/open-folder-base.ts'
import { placedPaths } from './folders/placed-paths.ts'
import { PROVISIONAL_PREFIX } from './folders/space-content.ts'
import { DeviceGateways } from './gateways/device-gateways.ts'
import { GatewayTable } from './gateways/gateway-table.ts'
import { openHome } from './home/home.ts'
import { lockHome } from './home/home-lock.ts'
import { fromLevelError } from './home/level-fault.ts'
import { roomOf } from './limits/disk-reserve.ts'
import { growthLimits } from './limits/growth.ts'
import { GrowthBrake } from './limits/growth-brake.ts'
import { openLogger } from './logs/open-logger.ts'
import { collectGarbage } from './maintenance/collect-garbage.ts'
import { Upkeep } from './maintenance/upkeep.ts'
import { AutoMerge } from './merge/auto-merge.ts'
import { KnownStates } from './network/known-states.ts'
import { LastSeen } from './network/last-seen.ts'
import { offlineView } from './network/offline-view.ts'
import { OnlineNetwork } from './network/online-network.ts'
import { Confirmations } from './pairing/confirmations.ts'
import { DevicePins } from './pins/device-pins.ts'
import { KeptContent } from './pins/kept-content.ts'
import { MarkTable } from './pins/mark-table.ts'
import { ReleasedVersions } from './pins/released-versions.ts'
import { SharedGate } from './shared-gate.ts'
import { SpaceFiles } from './space-files.ts'
import { createSpace } from './spaces/create-space.ts'
import type { OpenSpace } from './spaces/open-space.ts'
import { otherMembers } from './spaces/other-members.ts'
import { HOME_SPACE, selectSpace } from './spaces/select-space.ts'
import { SpaceRegistry } from './spaces/space-registry.ts'
import { Notices } from './state/notices.ts'
import { openDatabase } from './state/open-database.ts'
import { Origins } from './state/origins.ts'
import { RemovedAuthors } from './state/removed-authors.ts'
import { StatusReport } from './status/status-report.ts'
import { dissolveLeftovers } from './transfer/dissolve-transfer.ts'
import { TransferTable } from './transfer/transfer-table.ts'
import { systemTransports } from './transports/system-transports.ts'
import { DeviceVersions } from './versions/device-versions.ts'
import { DeviceVolumes } from './volumes/device-volumes.ts'
import { spaceVolume } from './volumes/space-volume.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Opens a device in this process: the one place that names concrete classes.
 *
 * One process at a time has a home open. `close` releases everything within five seconds.
 *
 * @throws DittoError DITTO_HOME_LOCKED, DITTO_HOME_UNSAFE, DITTO_CONFIG_INVALID, DITTO_PERMISSION, DITTO_NO_SPACE,
 *   DITTO_STORE_CORRUPT, DITTO_STORE_VERSION, DITTO_IDENTITY_INVALID, DITTO_PORT_IN_USE, DITTO_USAGE
 */
export async function openDevice(init: DeviceInit): Promise<LocalDevice> {
  const stack = new ClosingStack()
  try {
    return await open(init, stack)
  } catch (error) {
    await stack.close().catch(() => undefined)
    throw fromLevelError(error, `open the home ${JSON.stringify(init.home)}`)
  }
}

async function open(init: DeviceInit, stack: ClosingStack): Promise<LocalDevice> {
  const clock = init.clock ?? systemClock
  const random: RandomBytes = init.randomBytes ?? ((size) => new Uint8Array(systemRandomBytes(size)))
  const home = await openHome(init.home)
  stack.add(await lockHome(home), (lock) => lock.release())
  const config = withInit(await loadConfig(home.config), init)
  const label = new DeviceLabel(home.config, config.name)
  if (init.name !== undefined) await label.rename(init.name)
  const logger = stack.add(openLogger(init, config, home.logs), (opened) => opened.close())
  for (const repair of home.repairs) logger.warn({}, repair)
  const identity = await loadOrCreateIdentity(home.identity, { onRepair: (sentence) => logger.warn({}, sentence) })
  const database = stack.add(
    await openDatabase(path.join(home.spaces, 'registry'), 'the list of spaces and members'),
    (opened) => opened.close(),
  )
  const notices = await Notices.open(database, clock)
  const removedAuthors = await RemovedAuthors.open({
    ...{ database, clock },
    onFailure: (error) => logger.warn({ error }, 'Changes by a removed device could not be written down.'),
  })
  stack.add(removedAuthors, (opened) => opened.close())
  const changes = new ChangeSignal()
  const growth = await GrowthBrake.open({
    ...{ database, clock, limits: growthLimits(config) },
    onHeld: (space, author) => {
      logger.warn({ space, author }, 'Changes of one device would make a space grow a lot; they wait for a person.')
      changes.raise()
    },
    onFailure: (error) => logger.warn({ error }, 'What a space has grown by could not be written down.'),
  })
  stack.add(growth, (opened) => opened.close())
  const origins = new Origins(database)
  const memberships = await openMemberships({
    store: levelKeyValueStore(database.sublevel('membership')),
    ...{ signer: identity, clock, random },
  })
  /** Set below: where files are, the live folders know, which need the store. */
  const late: {
    folders?: DeviceFolders
    pins?: DevicePins
    versions?: DeviceVersions
    merge?: AutoMerge
    volumes?: DeviceVolumes
  } = {}
  const store = placedChunkStore({
    store: packChunkStore({ directory: home.chunks, logger, clock }),
    directory: path.join(home.chunks, 'places'),
    files: placedPaths(
      (key) => late.folders?.locate(key),
      (key) => late.folders?.doubt(key),
    ),
    isKept: (key) => !key.startsWith(PROVISIONAL_PREFIX),
  })
  await store.open()
  stack.add(store, (opened) => opened.close())
  const held = new HeldChunks(store, readManifest)
  const confirmations = new Confirmations(changes.raise)
  const gate = new SharedGate()
  const linked = await LinkedFolders.open(database)
  const foldersOf = ({ id }: OpenSpace) =>
    new Set(linked.all().flatMap(({ space, node }) => (space === id ? [node] : [])))
  const marks = await MarkTable.open(database)
  const kept = new KeptContent({ marks, released: new ReleasedVersions(database), held, foldersOf, gate })
  /** Set once the network is up; what comes before is told to it then. */
  let network: OnlineNetwork | undefined
  const transfers = await TransferTable.open(database)
  const spaces: SpaceRegistry = await SpaceRegistry.open({
    ...{ directory: home.spaces, database, memberships, identity, clock, randomBytes: random, logger },
    retention: { keepMs: config.history_days * DAY_MS, keepVersions: config.history_versions },
    onOpen: (space) => {
      watch(space)
      network?.addSpace(space)
      late.merge?.watch(space)
    },
    onDiscard: async (space) => {
      await late.volumes?.discard(space.id)
      await network?.removeSpace(space)
    },
    isAside: (space) => transfers.has(space),
  })
  stack.add(spaces, (opened) => opened.close())
  await dissolveLeftovers({ spaces, store, origins, memberships, transfers }, clock.now())
  const lastSeen = await LastSeen.open(database, clock)
  const knownStates = stack.add(new KnownStates(database), (opened) => opened.close())
  const alone = offlineView(identity.key, () => otherMembers(spaces.all(), identity.key), lastSeen)
  const report: StatusReport = new StatusReport({
    ...{ identity, home: home.path, store, held, kept, growth, clock, notices, removedAuthors },
    deviceName: () => label.name,
    spaces: () => spaces.all(),
    network: () => network ?? alone,
    placedBytes: () => late.folders?.placedBytes() ?? 0,
  })
  function watch(space: OpenSpace): void {
    space.metadata.onChange(({ isLocal }) => {
      if (isLocal) report.changedHere(space)
      else report.contentChanged(space)
      changes.raise()
    })
    removedAuthors.watch(space.membership, space.metadata)
    space.membership.onChange(changes.raise)
  }
  if (spaces.all().length === 0) await createSpace({ spaces, config, label }, HOME_SPACE)
  const collectOf = (only: OpenSpace | undefined, signal: AbortSignal) =>
    gate.alone(
      async () =>
        collectGarbage(
          {
            ...{ store, readManifest, now: clock.now() },
            spaces: only === undefined ? spaces.all() : [only],
            forgotten: only === undefined ? await spaces.discarded() : [],
            pending: (space) => late.folders?.pending(space) ?? [],
            keeping: (space) => kept.keeping(space),
          },
          { signal },
        ),
      { signal },
    )
  const collect = async (signal: AbortSignal) => {
    const freed = await collectOf(undefined, signal)
    await late.folders?.compact()
    return freed
  }
  function choicesChanged(space: OpenSpace): void {
    network?.choicesChanged(space)
    report.contentChanged(space)
    changes.raise()
  }
  const upkeep = stack.add(new Upkeep({ clock, logger, collect }), (opened) => opened.close())
  const folders = stack.add(
    new DeviceFolders({
      ...{ linked, self: identity.key, home: home.path, store, readManifest, held, clock, randomBytes: random, logger },
      selectSpace: (name) => selectSpace(spaces.all(), name),
      spaceOf: (id) => spaces.get(id),
      deviceName: () => label.name,
      isRunning: init.online === true,
      openFileSystem: async (root) =>
        openNodeFolderFileSystem({
          ...{ root, symlinks: config.symlinks, watchDirectory: systemWatcher(clock), now: () => clock.now() },
        }),
      openSpaceFolders,
      openBase: (space) => openFolderBase(path.join(home.spaces, `folders-${space.number}`)),
      onChange: changes.raise,
      decidedAbout: async (place, options) => [
        ...((await late.pins?.decidedAbout(place, options)) ?? []),
        ...((await late.versions?.mergesOf(place, options)) ?? []),
      ],
      rateOf: (space) => network?.bytesPerSecond(space) ?? 0,
      onLinked: (space) => choicesChanged(space),
      roomOf: (directory) => roomOf(directory, config.reserve),
      onCopied: (bytes) => upkeep.copied(bytes),
      onGained: (space) => {
        report.contentChanged(space)
        network?.contentCame(space)
      },
      onLost: (space) => {
        report.contentChanged(space)
        network?.contentLost(space)
      },
    }),
    (opened) => opened.close(),
  )
  late.folders = folders
  await folders.open()
  if (init.online === true) {
    const isInviting = () => memberships.invitations.list().some(({ state }) => state === 'open')
    const isMember = (device: DeviceKey) =>
      memberships.spaces().some((membership) => membership.role(device) !== undefined)
    const system = stack.add(
      systemTransports({
        ...{ config, identity, clock, logger, randomBytes: random },
        // Who holds a ticket of this device is not known before.
        connections: () => network?.connections ?? 1,
        mayReceive: (device) => isMember(device) || isInviting() || network?.isJoining(device) === true,
      }),
      (opened) => opened.close(),
    )
    const echoDesk = stack.add(
      new EchoDesk({ directory: home.path, createStore: checkStore, now: () => clock.now() }),
      (opened) => opened.close(),
    )
    network = await OnlineNetwork.open({
      ...{ identity, memberships, spaces, kept, growth, store, readManifest, encodeLeaf, database },
      ...{ config, clock, logger },
      ...{ lastSeen, knownStates, randomBytes: random, home: home.path },
      transports: init.transports ?? system.transports,
      answerEcho: echoDesk.answer,
      deviceName: () => label.name,
      notify: (text) => {
        notices.add(text).catch((error: unknown) => logger.warn({ error }, text))
        changes.raise()
      },
      confirm: confirmations.ask,
      onChange: changes.raise,
      onContent: (space) => {
        report.contentChanged(space)
        folders.contentCame(space)
      },
    })
    stack.add(network, (opened) => opened.close())
  }
  await folders.start()
  const files = new SpaceFiles({
    ...{ store, readManifest, held, kept, origins, clock, logger, config, gate, home: home.path },
    fetcher: network ?? noFetcher,
  })
  const target = {
    selectSpace: (name: string | undefined) => selectSpace(spaces.all(), name),
    spacePath: (place: string) => folders.spacePath(place),
    origins,
  }
  const pins = new DevicePins({
    ...{ ...target, marks, kept, held, clock, foldersOf },
    ask: async (space, asked, options) => network?.askKept(space, asked, options),
    collect: (space, { signal }) => collectOf(space, signal ?? new AbortController().signal),
    onChange: choicesChanged,
  })
  late.pins = pins
  const versions = new DeviceVersions({
    ...{ ...target, self: identity.key, store, readManifest, held, durability: config.durability },
    fetcher: network ?? noFetcher,
    historyOf: (space) => space.history,
  })
  late.versions = versions
  if (init.online === true && config.merge_text) {
    const autoMerge = stack.add(
      new AutoMerge({
        ...{ self: identity.key, clock, logger },
        merge: (space, conflict, signal) => versions.merge(space, conflict, { signal }),
        isWanted: (space, { main }) => kept.reader(space).of(main) !== 'evicted',
      }),
      (opened) => opened.close(),
    )
    late.merge = autoMerge
    for (const space of spaces.all()) autoMerge.watch(space)
  }
  const volumeParts = { home, identity, logger, clock, store, readManifest, randomBytes: random, gate, network }
  late.volumes = stack.add(new DeviceVolumes((space) => spaceVolume(volumeParts, space)), (opened) => opened.close())
  const volumes = late.volumes
  const gateways = stack.add(
    new DeviceGateways({
      table: new GatewayTable(database),
      selectSpace: target.selectSpace,
      spaceOf: (id) => spaces.get(id),
      volumeOf: (space) => volumes.get(space),
      properties: (space) => database.sublevel(['webdav', String(spaces.get(space)?.number)], {}),
      spool: path.join(home.spool, 'uploads'),
      ...{ randomBytes: random, clock, logger },
    }),
    (opened) => opened.close(),
  )
  return new LocalDevice({
    ...{
      home,
      config,
      label,
      identity,
      logger,
      clock,
      notices,
      store,
      readManifest,
      spaces,
      memberships,
      files,
      held,
      origins,
      transfers,
      knownStates,
      bundles: new BundleTable(database),
      randomBytes: random,
      onImported: (space: OpenSpace) => {
        report.contentChanged(space)
        folders.contentCame(space)
        network?.contentCame(space)
        changes.raise()
      },
      folders,
      versions,
      pins,
      volumes,
      gateways,
      growth,
    },
    ...{ report, gate, changes, network, confirmations, collect },
    close: () => stack.close(),
  })
}

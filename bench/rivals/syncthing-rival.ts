import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestHost } from '../../test/support/network.ts'
import { HostProcess, missingProgram } from './host-process.ts'
import type { Rival } from './rival.ts'

const PORT = 22_000
const API_KEY = 'bench'
const FOLDER = 'bench'
const LOOK_EVERY_MS = 10
const PATIENCE_MS = 300_000

export interface SyncthingRivalInit {
  readonly key: string
  readonly title: string
  /** Seconds that its watcher waits (10 as delivered); 0: no watcher, it is told to scan. */
  readonly watcherDelayS: number
}

/** Two Syncthing over TLS that know each other's address; no discovery, relays, upgrades or reports. */
export function syncthingRival({ key, title, watcherDelayS }: SyncthingRivalInit): Rival {
  return {
    key,
    title,
    steps: watcherDelayS === 0 ? ['tree', 'file'] : ['one'],
    canRename: true,
    makesFiles: true,
    missing: () => missingProgram('syncthing'),
    start: async ({ from, to, source, target, state }) => {
      const [sender, receiver] = [
        sideOf(path.join(state, 'from'), from, source),
        sideOf(path.join(state, 'to'), to, target),
      ]
      for (const side of [sender, receiver]) await makeIdentity(side)
      const ids = { sender: idOf(sender), receiver: idOf(receiver) }
      const processes: HostProcess[] = []
      for (const side of [sender, receiver]) {
        await writeFile(path.join(side.home, 'config.xml'), configOf(side, [sender, receiver], watcherDelayS))
        processes.push(serve(side))
      }
      await until(async () => {
        const { connections } = await ask<{ connections: Record<string, { connected: boolean }> }>(
          sender,
          'system/connections',
        )
        return connections[ids.receiver]?.connected === true && (await isIdle(receiver))
      })
      return {
        sync: async () => {
          await ask(sender, `db/scan?folder=${FOLDER}`, 'POST')
          await until(async () => {
            const needed = `db/completion?folder=${FOLDER}&device=${ids.receiver}`
            const { needItems, needDeletes } = await ask<{ needItems: number; needDeletes: number }>(sender, needed)
            return needItems === 0 && needDeletes === 0 && (await isIdle(receiver))
          })
        },
        stop: async () => {
          for (const one of processes) await one.stop()
        },
      }
    },
  }
}

interface Side {
  readonly home: string
  readonly host: TestHost
  readonly folder: string
  readonly socket: string
}

function sideOf(home: string, host: TestHost, folder: string): Side {
  return { home, host, folder, socket: path.join(home, 'api.sock') }
}

async function makeIdentity({ home, folder }: Side): Promise<void> {
  await mkdir(home, { recursive: true })
  // Without its marker it takes a folder for one that is not mounted.
  await mkdir(path.join(folder, '.stfolder'))
  execFileSync('syncthing', ['generate', `--home=${home}`, '--no-default-folder'], { stdio: 'ignore' })
}

function idOf({ home }: Side): string {
  return execFileSync('syncthing', ['--device-id', `--home=${home}`], { encoding: 'utf8' }).trim()
}

function configOf(side: Side, sides: readonly Side[], watcherDelayS: number): string {
  const devices = sides.map((one) => ({ id: idOf(one), address: `tcp://${one.host.address}:${PORT}` }))
  const off = ['globalAnnounce', 'localAnnounce', 'relays', 'nat'].map(
    (name) => `<${name}Enabled>false</${name}Enabled>`,
  )
  const watcher = `fsWatcherEnabled="${watcherDelayS > 0}" fsWatcherDelayS="${watcherDelayS || 10}"`
  const members = devices.map(({ id }) => `<device id="${id}"></device>`).join('')
  const peers = devices.map(({ id, address }) => `<device id="${id}"><address>${address}</address></device>`).join('\n')
  return `<configuration version="36">
<folder id="${FOLDER}" path="${side.folder}" type="sendreceive" rescanIntervalS="3600" ${watcher}>${members}</folder>
${peers}
<gui enabled="true" tls="false"><address>${side.socket}</address><apikey>${API_KEY}</apikey></gui>
<options>
<listenAddress>tcp://${side.host.address}:${PORT}</listenAddress>${off.join('')}
<startBrowser>false</startBrowser><urAccepted>-1</urAccepted><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
<crashReportingEnabled>false</crashReportingEnabled><stunKeepaliveStartS>0</stunKeepaliveStartS>
<reconnectionIntervalS>1</reconnectionIntervalS>
</options>
</configuration>
`
}

function serve({ home, host }: Side): HostProcess {
  const command = ['syncthing', 'serve', '--no-browser', '--no-restart', '--no-upgrade', `--home=${home}`]
  return new HostProcess(host, command, { HOME: home, STNOUPGRADE: '1' }, path.join(home, 'bench.log'))
}

async function isIdle(side: Side): Promise<boolean> {
  const { state, needTotalItems } = await ask<{ state: string; needTotalItems: number }>(
    side,
    `db/status?folder=${FOLDER}`,
  )
  return state === 'idle' && needTotalItems === 0
}

function ask<T>({ socket }: Side, place: string, method = 'GET'): Promise<T> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: socket, path: `/rest/${place}`, method, headers: { 'X-API-Key': API_KEY } }
    const asked = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode !== 200) reject(new Error(`Syncthing says ${response.statusCode}: ${text}`))
        else resolve((text === '' ? undefined : JSON.parse(text)) as T)
      })
    })
    asked.once('error', reject).end()
  })
}

/** Looks again and again, also where it does not answer yet. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  let failure: unknown
  for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt; await sleep(LOOK_EVERY_MS)) {
    try {
      if (await isSo()) return
    } catch (error) {
      failure = error
    }
  }
  throw new Error('Syncthing did not come to rest', { cause: failure })
}

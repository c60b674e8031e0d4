import { type Check, type DeviceInfo, type Finding, isDittoError, type PatternCheckResult } from '@dittofs/interface'

/** 18 MiB there and back: seconds in a local network, minutes over a slow link. */
const TIMEOUT_MS = 30 * 60 * 1000
/** Differences that are told; where there are more, they have one cause. */
const MAX_TOLD = 8

export interface PairedIntegrityCheckInit {
  /** The other devices. */
  devices: () => Promise<readonly DeviceInfo[]>
  /** ID of the one to check; where absent, the only one there is. */
  device: string | undefined
  check: (id: string) => Promise<PatternCheckResult>
}

/** Whether another device gives back what it is sent, and cuts and hashes it as this one does. */
export function pairedIntegrityCheck({ devices, device, check }: PairedIntegrityCheckInit): Check {
  return {
    name: 'peer integrity',
    timeoutMs: TIMEOUT_MS,
    run: async () => {
      if (device !== undefined) return await findingsOf(device, check)
      const others = await devices()
      const [only] = others
      if (only !== undefined && others.length === 1) return (await findingsOf(only.id, check)).map(unnamed)
      if (only === undefined) return [{ level: 'ok', text: 'This device is paired with no other to check.' }]
      return [{ level: 'ok', text: `Name one of the ${others.length} other devices to check it: --integrity DEVICE.` }]
    },
  }
}

async function findingsOf(id: string, check: PairedIntegrityCheckInit['check']): Promise<Finding[]> {
  try {
    return describe(await check(id))
  } catch (error) {
    if (!isDittoError(error)) throw error
    return [{ level: 'problem', text: error.message, code: error.code }]
  }
}

/** Of a device that nobody named it is no problem that it is switched off. */
function unnamed(finding: Finding): Finding {
  if (finding.level !== 'problem' || finding.code === 'DITTO_CHUNK_CORRUPT') return finding
  return { level: 'warning', text: finding.text }
}

function describe({ device, link, seed, contents, bytes, faults }: PatternCheckResult): Finding[] {
  const name = `${JSON.stringify(device.name)} (${device.id})`
  if (faults.length === 0) {
    const amount = `${contents} contents of known patterns, ${Math.round(bytes / 1024 / 1024)} MiB`
    return [
      {
        level: 'ok',
        text: `${amount}, went to ${name} by ${link}, through a store there and back as they were; seed ${seed}.`,
      },
    ]
  }
  const told = faults
    .slice(0, MAX_TOLD)
    .map((fault): Finding => ({ level: 'problem', text: `${fault}.`, code: 'DITTO_CHUNK_CORRUPT' }))
  const advice = `${faults.length} faults between this device and ${name} by ${link}, seed ${seed}: check memory and disk of both with "dittofs doctor --integrity" there and here.`
  return [...told, { level: 'problem', text: advice, code: 'DITTO_CHUNK_CORRUPT' }]
}

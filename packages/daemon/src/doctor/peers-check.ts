import type { Check, Finding, PeerInfo } from '@dittofs/interface'

const DAY_MS = 24 * 60 * 60 * 1000
/** A device that is used is seen more often; longer, and its changes and this one's drift apart. */
const LONG_MS = 7 * DAY_MS

/** Whether the other devices have been seen lately. */
export function peersCheck(peers: () => Promise<readonly PeerInfo[]>, now: () => number): Check {
  return {
    name: 'peers',
    run: async () => {
      const all = await peers()
      if (all.length === 0) {
        return [{ level: 'ok', text: 'This device is paired with no other; "dittofs invite" begins that.' }]
      }
      const findings = all.flatMap((peer) => judge(peer, now()))
      return findings.length > 0
        ? findings
        : [{ level: 'ok', text: `All ${all.length} other devices were seen lately.` }]
    },
  }
}

function judge({ name, id, link, lastSeen, problem }: PeerInfo, now: number): Finding[] {
  if (link !== undefined) return []
  const shown = `${JSON.stringify(name)} (${id})`
  if (lastSeen === undefined) {
    return [{ level: 'warning', text: `${shown} has never been seen; see that a daemon runs on both.` }]
  }
  if (now - lastSeen < LONG_MS) return []
  const days = Math.floor((now - lastSeen) / DAY_MS)
  const why = problem === undefined ? '' : ` ${problem}`
  return [
    {
      level: 'warning',
      text: `${shown} was last seen ${days} days ago.${why} Start it, or remove it with "dittofs devices remove".`,
    },
  ]
}

import type { Check, Finding, PeerInfo } from '@dittofs/interface'

/** Clocks of people's machines differ by less; tickets and histories do not mind so much. */
const MAX_OFFSET_MS = 2 * 60_000

export interface ClockCheckInit {
  /** Milliseconds since the Unix epoch. */
  now: () => number
  /** No build of this program is older. */
  notBefore: number
  peers: () => Promise<readonly Pick<PeerInfo, 'name' | 'lastSeen' | 'clockOffsetMs'>[]>
}

/** Whether the clock can be right: not before this program was made, nor far from those of other devices. */
export function clockCheck({ now, notBefore, peers }: ClockCheckInit): Check {
  return {
    name: 'clock',
    run: async () => {
      const time = now()
      if (time < notBefore) {
        return [
          {
            level: 'problem',
            text: `The clock says ${dayOf(time)}, which is before this program was made; set it, or tickets expire at the wrong time.`,
          },
        ]
      }
      const findings: Finding[] = (await peers()).flatMap(({ name, lastSeen, clockOffsetMs }): Finding[] => {
        const offset = clockOffsetMs ?? 0
        if (Math.abs(offset) > MAX_OFFSET_MS) {
          const way = offset > 0 ? 'ahead of' : 'behind'
          return [
            {
              level: 'warning',
              text: `The clock of ${JSON.stringify(name)} is ${spanOf(offset)} ${way} this one; set whichever is wrong.`,
            },
          ]
        }
        if (lastSeen === undefined || lastSeen - time <= MAX_OFFSET_MS) return []
        return [
          {
            level: 'warning',
            text: `${JSON.stringify(name)} was last seen ${spanOf(lastSeen - time)} in the future: the clock was set back since; set it right.`,
          },
        ]
      })
      return findings.length > 0 ? findings : [{ level: 'ok', text: 'The clock agrees with all that is known.' }]
    },
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function spanOf(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000)
  if (minutes < 120) return `${minutes} minutes`
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`
}

import type { Check, Finding } from '@dittofs/interface'

/** Other programs watch too: more than this share of what the system allows is near its end. */
const NEARLY_ALL = 0.8

export interface WatcherCheckInit {
  /** The system's limits; `undefined` where it has none (not Linux). */
  limits: () => Promise<{ readonly watches: number; readonly instances: number } | undefined>
  /** Directories that live folders watch. */
  neededWatches: () => Promise<number>
  /** Tries to watch something. @returns the code of the system's error; `undefined` where it could */
  watch: () => Promise<string | undefined>
}

/** Whether the system lets live folders notice changes. */
export function watcherCheck({ limits, neededWatches, watch }: WatcherCheckInit): Check {
  return {
    name: 'watchers',
    run: async () => {
      const found = await limits()
      if (found === undefined) return [{ level: 'ok', text: 'This system has no limit for watched directories.' }]
      const needed = await neededWatches()
      const findings: Finding[] = []
      const code = await watch()
      if (code === 'EMFILE') {
        findings.push({
          level: 'problem',
          text: `All ${found.instances} watchers that the system allows a user are taken; raise it: sudo sysctl fs.inotify.max_user_instances=${raised(found.instances)}`,
        })
      }
      const isOver = needed > found.watches || code === 'ENOSPC'
      const watches = raised(Math.max(found.watches, needed))
      const remedy = `raise it: sudo sysctl fs.inotify.max_user_watches=${watches}`
      const count = `Live folders have ${needed} directories to watch, and the system allows a user ${found.watches}`
      if (isOver) findings.push({ level: 'problem', text: `${count}; changes are noticed late; ${remedy}` })
      else if (needed > found.watches * NEARLY_ALL) findings.push({ level: 'warning', text: `${count}; ${remedy}` })
      return findings.length > 0 ? findings : [{ level: 'ok', text: `${count}.` }]
    },
  }
}

/** The next power of two with room to spare. */
function raised(least: number): number {
  return 2 ** Math.ceil(Math.log2(least * 2))
}

import type { Check, Finding } from '@dittofs/interface'
import { type DiskSpace, roomOn } from '../limits/disk-reserve.ts'

/** With less, databases and packs cannot be written. */
const MIN_FREE_BYTES = 64 * 1024 * 1024

export interface DiskCheckInit {
  /** Directories that are written to, each with what a person calls it. */
  places: () => Promise<readonly { readonly title: string; readonly directory: string }[]>
  space: (directory: string) => Promise<DiskSpace>
  /** As in the settings. */
  reserve: () => string
}

/** Whether there is room in the home and in each live folder. */
export function diskCheck({ places, space, reserve }: DiskCheckInit): Check {
  return {
    name: 'disk',
    run: async () => {
      const findings: Finding[] = []
      for (const { title, directory } of await places()) {
        findings.push(
          await space(directory).then(
            (found) => judge(title, found, reserve()),
            (error: unknown): Finding => ({
              level: 'warning',
              text: `The disk of ${title} could not be looked at (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); see that it is there.`,
            }),
          ),
        )
      }
      return findings
    },
  }
}

function judge(title: string, disk: DiskSpace, reserve: string): Finding {
  const free = `${Math.floor(disk.freeBytes / 1024 / 1024)} MiB are free on the disk of ${title}`
  if (disk.freeBytes < MIN_FREE_BYTES) {
    return { level: 'problem', text: `Only ${free}: nothing can be stored; free some, "dittofs collect" may help.` }
  }
  if (roomOn(disk, reserve) < 0) {
    return {
      level: 'warning',
      text: `Only ${free}, less than is to stay free: content of other devices waits; free some, or lower "reserve" in config.toml.`,
    }
  }
  return { level: 'ok', text: `${free}.` }
}

/** Names of the project's own on a person's disk; never synced. */
const OWN_PREFIX = '.dittofs'

/** The file in the root that tells whose folder it is. */
export const MARKER_NAME = '.dittofs-folder'

export function isOwnName(name: string): boolean {
  return name.startsWith(OWN_PREFIX)
}

/** Where something stands while what it makes room for is renamed: in the root of its folder. */
export function stagedName(number: number): string {
  return `.dittofs-staged-${number}`
}

export function isStagedName(name: string): boolean {
  return /^\.dittofs-staged-\d{1,16}$/.test(name)
}

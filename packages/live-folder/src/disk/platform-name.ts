const WINDOWS_DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i

/** Why this platform cannot hold a name that a space can; `undefined` when it can. */
export function platformNameFault(name: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (platform !== 'win32') return undefined
  if (/[\\:*?"<>|]/.test(name) || /\p{Cc}/u.test(name)) return 'Windows does not allow a character in this name'
  if (/[. ]$/.test(name)) return 'Windows does not allow a name to end with a dot or a space'
  if (WINDOWS_DEVICES.test(name)) return 'Windows keeps this name for a device'
  return undefined
}

import type { GatewayInfo, GatewayProtocol } from '@dittofs/interface'

/** A program, and its arguments. */
export interface SystemCommand {
  readonly program: string
  readonly args: readonly string[]
}

/** One way to mount a gateway, by a program of the system. */
export interface MountCommand extends SystemCommand {
  readonly protocol: GatewayProtocol
}

export interface MountTarget {
  readonly info: GatewayInfo
  /** Absolute. */
  readonly directory: string
  /** A configuration of davfs2 that asks for no password. */
  readonly davfsConfiguration: string
}

/**
 * Of davfs2: nobody is asked for a password, and what is written goes out at once. Kernels from 6.16 on ask for more names
 * at once than the 16 KiB it takes unless it is told.
 */
export const DAVFS_CONFIGURATION = [
  'ask_auth 0',
  'gui_optimize 0',
  'delay_upload 0',
  'buf_size 128',
  'use_locks 1',
  '',
].join('\n')

/** The protocols a platform can mount by itself, the better first. */
export function mountProtocols(platform: NodeJS.Platform): readonly GatewayProtocol[] {
  if (platform === 'win32') return ['webdav']
  return ['nfs', 'webdav']
}

/** How a platform mounts a gateway. The server is on this machine, and gone with the daemon: a mount must not hang for ever. */
export function mountCommand(platform: NodeJS.Platform, target: MountTarget): MountCommand {
  const { info, directory, davfsConfiguration } = target
  const { protocol, host, port, url } = info
  if (protocol === 'nfs') {
    const source = `${host}:/${decodeURIComponent(new URL(url).pathname.slice(1))}`
    const common = `tcp,port=${port},mountport=${port},soft`
    return platform === 'darwin'
      ? { protocol, program: 'mount_nfs', args: ['-o', `vers=3,${common},locallocks`, source, directory] }
      : { protocol, program: 'mount', args: ['-t', 'nfs', '-o', `vers=3,${common},nolock`, source, directory] }
  }
  if (platform === 'darwin') return { protocol, program: 'mount_webdav', args: ['-S', url, directory] }
  if (platform === 'win32') return { protocol, program: 'net', args: ['use', '*', url] }
  const options = `conf=${davfsConfiguration},uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0}`
  // It escapes the URL itself.
  return { protocol, program: 'mount', args: ['-t', 'davfs', '-o', options, decodeURI(url), directory] }
}

/** The command by which a gateway is served again at its port, whoever calls it. @param home - absolute */
export function serveCommand({ protocol, space, port, isReadOnly }: GatewayInfo, home: string): SystemCommand {
  const readOnly = isReadOnly ? ['--read-only'] : []
  const args = ['serve', protocol, '--space', space.name, '--port', String(port), '--keep', ...readOnly]
  return { program: 'dittofs', args: ['--home', home, ...args] }
}

/** As a person would type it. */
export function commandLine({ program, args }: SystemCommand): string {
  return [program, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

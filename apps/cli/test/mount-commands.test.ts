import type { GatewayInfo, GatewayProtocol, SpaceId } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { commandLine, mountCommand, mountProtocols } from '../src/mount-commands.ts'

function target(protocol: GatewayProtocol, url: string) {
  const space = { id: '0'.repeat(64) as SpaceId, name: 'My photos' }
  const info: GatewayInfo = {
    ...{ id: '00000001', protocol, host: '127.0.0.1', port: 4000, space, url },
    ...{ isReadOnly: false, isKept: true, connections: 0 },
  }
  return { info, directory: '/home/alice/My drive', davfsConfiguration: '/home/alice/.dittofs/run/davfs2.conf' }
}

const NFS = target('nfs', 'nfs://127.0.0.1/My%20photos?nfsport=4000&mountport=4000&version=3')
const WEBDAV = target('webdav', 'http://127.0.0.1:4000/My%20photos/')

describe('a mount', () => {
  it('is by NFS first where the system has a client for it', () => {
    expect(['linux', 'darwin', 'win32'].map((platform) => mountProtocols(platform as NodeJS.Platform))).toEqual([
      ['nfs', 'webdav'],
      ['nfs', 'webdav'],
      ['webdav'],
    ])
  })

  it('names the port twice, since nobody is asked for it, and gives up when the daemon is gone', () => {
    expect(mountCommand('linux', NFS).args).toEqual([
      ...['-t', 'nfs', '-o', 'vers=3,tcp,port=4000,mountport=4000,soft,nolock'],
      ...['127.0.0.1:/My photos', '/home/alice/My drive'],
    ])
    expect(mountCommand('darwin', NFS).program).toBe('mount_nfs')
  })

  it('gives davfs2 the address as it is before it is escaped', () => {
    const { program, args } = mountCommand('linux', WEBDAV)
    expect([program, args.at(-2)]).toEqual(['mount', 'http://127.0.0.1:4000/My photos/'])
    expect(mountCommand('win32', WEBDAV).args).toEqual(['use', '*', 'http://127.0.0.1:4000/My%20photos/'])
  })

  it('is shown as a line that can be pasted', () => {
    expect(commandLine({ program: 'mount', args: ['-t', 'nfs', "a:/it's", '/b'] })).toBe(
      "mount -t nfs 'a:/it'\\''s' /b",
    )
  })
})

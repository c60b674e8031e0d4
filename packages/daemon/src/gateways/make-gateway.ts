import { readFile } from 'node:fs/promises'
import { nfsGateway } from '@dittofs/gateway-nfs'
import { fixedCredentials, type PropertyDatabase, storedDeadProperties, webdavGateway } from '@dittofs/gateway-webdav'
import { type Clock, DittoError, type Gateway, type Logger, type VolumeExport } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import type { GatewayRow } from './gateway-row.ts'
import { readPasswords } from './read-passwords.ts'

export interface GatewayTools {
  clock: Clock
  logger: Logger
  /** For uploads on their way: a directory that is there. */
  spool: string
  /** Where the properties that WebDAV clients set are kept. */
  properties: (row: GatewayRow) => PropertyDatabase
}

/**
 * The only place that knows which protocols there are: another one is a case here and a name in GATEWAY_PROTOCOLS.
 *
 * @throws DittoError DITTO_USAGE, DITTO_CONFIG_INVALID, DITTO_NOT_FOUND, DITTO_PERMISSION
 */
export async function makeGateway(row: GatewayRow, served: VolumeExport, tools: GatewayTools): Promise<Gateway> {
  const { host, port } = row
  const { clock, logger, spool } = tools
  if (row.protocol === 'nfs') {
    if (row.passwordFile !== undefined || row.tlsKey !== undefined || row.tlsCertificate !== undefined) {
      throw new DittoError('DITTO_USAGE', 'NFS knows neither passwords nor TLS; limit who may use it with --allow.')
    }
    return nfsGateway({ exports: [served], host, port, clock, logger })
  }
  if (row.passwordFile === undefined && !isLoopback(host)) {
    throw new DittoError(
      'DITTO_USAGE',
      `Others could use it at ${host} without a password; give a file of users with --password-file.`,
    )
  }
  const tls = await readTls(row)
  return webdavGateway({
    ...{ exports: [served], host, port, clock, logger, spoolDirectory: spool },
    ...(row.passwordFile === undefined
      ? { isLoopbackOpen: true }
      : { verify: fixedCredentials({ users: await readPasswords(row.passwordFile) }) }),
    ...(tls !== undefined && { tls }),
    deadProperties: () => storedDeadProperties(tools.properties(row)),
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

async function readTls({ tlsKey, tlsCertificate }: GatewayRow) {
  if (tlsKey === undefined && tlsCertificate === undefined) return undefined
  if (tlsKey === undefined || tlsCertificate === undefined) {
    throw new DittoError('DITTO_USAGE', 'TLS needs a key and a certificate: give both, or neither.')
  }
  try {
    const [key, cert] = await Promise.all([readFile(tlsKey), readFile(tlsCertificate)])
    return { key, cert }
  } catch (error) {
    throw fromSystemError(error, 'read the key and certificate for TLS')
  }
}

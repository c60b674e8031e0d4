import { execFileSync, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Why no certificates can be made here; `undefined` when they can. */
export function opensslUnavailable(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed'
}

/** PEM files. */
export interface ServerCertificate {
  readonly key: string
  readonly certificate: string
  /** The certificate of the authority that signed it. */
  readonly authority: string
}

/**
 * Makes an authority and a certificate by it for the server at an IP address.
 *
 * @param directory - for the files
 */
export async function certificateFor(address: string, directory: string): Promise<ServerCertificate> {
  const run = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const
  run('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test authority')
  run('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=server.invalid')
  await writeFile(path.join(directory, 'names'), `subjectAltName = IP:${address}\n`)
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  run('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signing)
  const file = (name: string) => path.join(directory, name)
  return { key: file('server.key'), certificate: file('server.pem'), authority: file('ca.pem') }
}

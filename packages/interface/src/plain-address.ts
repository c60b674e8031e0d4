/** The IP address of a socket as others write it: an IPv4 address that came over IPv6 is one, and no zone. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
}

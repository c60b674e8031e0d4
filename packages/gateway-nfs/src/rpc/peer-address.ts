/** The address of a socket's other side: IPv4 as IPv4 even where it came in over an IPv6 socket, and no zone. */
export function peerAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address.split('%')[0]!
}

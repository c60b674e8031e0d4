import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'

/** Two ends of one TCP connection over loopback: the dialling end first. */
export async function tcpPair(): Promise<readonly [net.Socket, net.Socket]> {
  const server = net.createServer({ noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const dialled = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  const [socket] = await accepted
  server.close()
  return [dialled, socket]
}

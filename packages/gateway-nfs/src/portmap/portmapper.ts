import type { GatewayAddress } from '@dittofs/interface'
import type { DatagramServer } from '../rpc/datagram-server.ts'
import type { RpcServer } from '../rpc/rpc-server.ts'

/** A portmapper that answers on one port over TCP and UDP: `showmount` and `rpcinfo` ask over the latter alone. */
export class Portmapper {
  readonly #stream: RpcServer
  readonly #datagrams: DatagramServer

  constructor(stream: RpcServer, datagrams: DatagramServer) {
    this.#stream = stream
    this.#datagrams = datagrams
  }

  get connections(): number {
    return this.#stream.connections
  }

  /** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_IO */
  async start(): Promise<GatewayAddress> {
    const address = await this.#stream.start()
    try {
      await this.#datagrams.start(address.host, address.port)
    } catch (error) {
      await this.#stream.stop()
      throw error
    }
    return address
  }

  async stop(): Promise<void> {
    await Promise.all([this.#stream.stop(), this.#datagrams.stop()])
  }
}

import { createIdentity } from '@dittofs/link'
import { signalChannel } from '@dittofs/signaling-client'
import { signalChannelSuite } from '@dittofs/testing'
import { type TestServer, testServer } from './support/test-server.ts'

const identities = await Promise.all(Array.from({ length: 4 }, () => createIdentity()))

signalChannelSuite('real signaling server', {
  setup: async () => {
    let server: TestServer = await testServer()
    const { origin, port } = server
    let devices = 0
    return {
      device: ({ mayReceive = () => true } = {}) => {
        const identity = identities[devices++] as (typeof identities)[number]
        return { key: identity.key, channel: signalChannel({ identity, servers: [origin], mayReceive }) }
      },
      setUp: async (isUp) => {
        if (isUp) server = await testServer({ port })
        else await server.close()
      },
      close: () => server.close(),
    }
  },
})

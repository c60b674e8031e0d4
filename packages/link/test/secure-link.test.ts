import { linkSuite } from '@dittofs/testing'
import { CONNECTIONS, linkPair } from './support/people.ts'

for (const { name, connect } of CONNECTIONS) {
  linkSuite(`secure link over ${name}`, { setup: async () => linkPair(await connect()) })
}

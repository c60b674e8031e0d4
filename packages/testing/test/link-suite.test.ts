import { deviceKey } from '@dittofs/interface'
import { linkSuite } from '../src/link-suite.ts'
import { memoryLinkPair } from '../src/memory-link.ts'

linkSuite('memory link', {
  setup: async () => memoryLinkPair({ keys: [deviceKey.parse('a'.repeat(64)), deviceKey.parse('b'.repeat(64))] }),
})

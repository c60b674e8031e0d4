import type { Transport } from '@dittofs/interface'
import { DittoError } from '@dittofs/interface'
import type { ChromiumPage } from './chromium.ts'

/** WebRTC for a device in this process, of which every byte goes through a page's RTCPeerConnection. It only dials. */
export function pageTransport(page: ChromiumPage): Transport {
  const unsupported = async (): Promise<never> => {
    throw new DittoError('DITTO_UNSUPPORTED', 'The page only dials.')
  }
  return {
    name: 'webrtc',
    capabilities: { canListen: false, canDial: true, canDiscover: false, isMetered: false, isSlow: false },
    listen: unsupported,
    discover: unsupported,
    dial: (address) => page.dial(address),
  }
}

import type { Finding, LinkState } from '@dittofs/interface'

/** What can be said of a means to reach devices from the state that the device tells of it. */
export function linkStateFinding(title: string, states: readonly LinkState[] | undefined, name: string): Finding {
  const state = states?.find((one) => one.name === name)
  if (state === undefined) return { level: 'ok', text: `${title} is not in use on this device.` }
  if (state.isUp) return { level: 'ok', text: `${title} is up.` }
  return { level: 'warning', text: `${title} is down: ${(state.reason ?? 'it did not say why').replace(/\.$/, '')}.` }
}

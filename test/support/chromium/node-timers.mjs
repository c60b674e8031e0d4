// setTimeout of node:timers/promises in a browser.

export function setTimeout(delayMs, value, { signal } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve(value)
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

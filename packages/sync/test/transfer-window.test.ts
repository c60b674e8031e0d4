import { describe, expect, it } from 'vitest'
import { TransferWindow } from '../src/transfer-window.ts'

/** A link of so many bytes a second, always kept busy by its window, for a while. */
function run(bytesPerSecond: number, roundTripMs: number, seconds: number): TransferWindow {
  const window = new TransferWindow()
  window.begin(0)
  let now = roundTripMs
  window.answered(roundTripMs)
  while (now < 1000 * seconds) {
    const piece = Math.min(window.bytes, Math.max(bytesPerSecond / 50, 1024))
    now += (piece * 1000) / Math.min(bytesPerSecond, (window.bytes * 1000) / roundTripMs)
    window.received(piece, now)
  }
  return window
}

describe('TransferWindow', () => {
  it('fills a fast link of long delay within seconds', () => {
    expect(run(100_000_000, 100, 3).bytes).toBe(32 * 1024 * 1024)
  })

  it('asks a slow link for little', () => {
    const { bytes, bytesPerSecond } = run(10_000, 200, 60)
    expect(bytes).toBe(64 * 1024)
    expect(bytesPerSecond).toBeGreaterThan(9_000)
    expect(bytesPerSecond).toBeLessThan(11_000)
  })

  it('asks for the bandwidth-delay product and half a second of work', () => {
    const { bytes } = run(10_000_000, 100, 10)
    expect(bytes).toBeGreaterThan(5_000_000)
    expect(bytes).toBeLessThan(7_000_000)
  })

  it('shrinks when the link becomes slower', () => {
    const window = run(100_000_000, 10, 2)
    let now = 2000
    for (let i = 0; i < 100; i++) {
      now += 100
      window.received(10_000, now)
    }
    expect(window.bytes).toBeLessThan(200_000)
  })
})

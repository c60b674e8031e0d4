import { describe, expect, it } from 'vitest'
import { isWithinHours, parseHours } from '../src/limits/limit-hours.ts'
import { parseRate } from '../src/limits/rate.ts'
import { transferLimits } from '../src/limits/transfer-limits.ts'

/** 2026-11-16 is a Monday. */
function at(day: number, hour: number, minute = 0): Date {
  return new Date(2026, 10, 15 + day, hour, minute)
}

describe('a rate', () => {
  it('is a number and a unit', () => {
    expect(parseRate('500 KiB')).toBe(512_000)
    expect(parseRate('2MiB/s')).toBe(2_097_152)
    expect(parseRate('1.5 MB')).toBe(1_500_000)
    for (const text of ['', '5', 'fast', '-1 MiB', '1 KiB', '1 TiB']) expect(parseRate(text)).toBeUndefined()
  })
})

describe('hours', () => {
  function isWithin(text: string, moment: Date): boolean {
    const hours = parseHours(text)
    if (hours === undefined) throw new TypeError(`${text} should be hours`)
    return isWithinHours([hours], moment)
  }

  it('are of every day, or of the days named', () => {
    expect(isWithin('08:00-18:00', at(0, 8))).toBe(true)
    expect(isWithin('08:00-18:00', at(0, 18))).toBe(false)
    expect(isWithin('mon-fri 08:00-18:00', at(1, 12))).toBe(true)
    expect(isWithin('mon-fri 08:00-18:00', at(6, 12))).toBe(false)
    expect(isWithin('fri-mon 08:00-18:00', at(0, 12))).toBe(true)
    expect(isWithin('sat 00:00-24:00', at(6, 23, 59))).toBe(true)
  })

  it('may pass midnight, and belong to the day they begin on', () => {
    expect(isWithin('fri 22:00-06:00', at(5, 23))).toBe(true)
    expect(isWithin('fri 22:00-06:00', at(6, 5, 59))).toBe(true)
    expect(isWithin('fri 22:00-06:00', at(5, 5))).toBe(false)
    expect(isWithin('fri 22:00-06:00', at(6, 6))).toBe(false)
  })

  it('are nothing else', () => {
    for (const text of ['', '8-18', '08:00-08:00', '25:00-26:00', 'foo 08:00-18:00', '08:60-09:00']) {
      expect(parseHours(text)).toBeUndefined()
    }
  })
})

describe('transfer limits', () => {
  it('are in force in their hours only', () => {
    let now = at(1, 12).getTime()
    const limits = transferLimits(
      { upload_limit: '1 MiB', download_limit: '', limit_hours: ['mon-fri 08:00-18:00'] },
      { now: () => now },
    )
    expect(limits.upload()).toBe(1_048_576)
    expect(limits.download()).toBeUndefined()
    now = at(1, 19).getTime()
    expect(limits.upload()).toBeUndefined()
  })

  it('are always in force where no hours are named', () => {
    const limits = transferLimits({ upload_limit: '', download_limit: '2 MiB', limit_hours: [] }, { now: () => 0 })
    expect(limits.download()).toBe(2_097_152)
  })
})

import { describe, expect, it } from 'vitest'
import { OfferBook } from '../src/offer-book.ts'

describe('OfferBook', () => {
  it('knows an offer for two minutes', () => {
    const offers = new OfferBook()
    offers.add('session', 'bob', 1000)
    expect(offers.isOpen('session', 'bob', 121_000)).toBe(true)
    expect(offers.isOpen('session', 'bob', 121_001)).toBe(false)
  })

  it('knows to whom it was made', () => {
    const offers = new OfferBook()
    offers.add('session', 'bob', 0)
    expect(offers.isOpen('session', 'carol', 0)).toBe(false)
    expect(offers.isOpen('other', 'bob', 0)).toBe(false)
  })

  it('forgets the oldest when there are too many', () => {
    const offers = new OfferBook()
    for (let number = 0; number <= 4096; number++) offers.add(String(number), 'bob', number)
    expect([offers.isOpen('0', 'bob', 4096), offers.isOpen('1', 'bob', 4096)]).toEqual([false, true])
  })

  it('counts the time anew when an offer is made again', () => {
    const offers = new OfferBook()
    offers.add('session', 'bob', 0)
    offers.add('session', 'bob', 100_000)
    expect(offers.isOpen('session', 'bob', 200_000)).toBe(true)
  })
})

import { describe, expect, it } from 'vitest'
import { ContentLedger } from './simulation/content-ledger.ts'

/** Alice makes `d/e/f` and deletes `d`, and it is there in the end. */
function ledgerOfDeletion() {
  const ledger = new ContentLedger()
  ledger.written('text', 'alice creates text at d/e/f')
  ledger.replaced('text', 'alice', 'alice removes d')
  ledger.changedTree({ device: 'alice', path: 'd', texts: new Set(['text']) })
  const check = (path = 'd/e/f') =>
    ledger
      .check(new Map([['text', { place: `carol home/${path}`, path }]]), () => true)
      .map((fault) => fault.split(':')[0])
  return { ledger, check }
}

describe('the ledger of contents, of one that a person deleted and that is there in the end', () => {
  it('says that it came back', () => {
    expect(ledgerOfDeletion().check()).toEqual(['BACK'])
  })

  it('excuses it where somebody else deleted a directory above it from a disk that had not got it', () => {
    const { ledger, check } = ledgerOfDeletion()
    ledger.changedTree({ device: 'bob', path: 'd', texts: new Set(['another']) })
    expect(check()).toEqual([])
  })

  it('excuses it where somebody else moved a directory above it to there, on a disk that had not got it', () => {
    const { ledger, check } = ledgerOfDeletion()
    ledger.changedTree({ device: 'bob', path: 'd/e', texts: new Set() })
    expect(check()).toEqual([])
  })

  it('does not excuse it where who else deleted the directory had it', () => {
    const { ledger, check } = ledgerOfDeletion()
    ledger.replaced('text', 'bob', 'bob removes d')
    ledger.changedTree({ device: 'bob', path: 'd', texts: new Set(['text']) })
    expect(check()).toEqual(['BACK'])
  })

  it('does not excuse it for a deletion of another directory', () => {
    const { ledger, check } = ledgerOfDeletion()
    ledger.changedTree({ device: 'bob', path: 'other/d', texts: new Set() })
    ledger.changedTree({ device: 'bob', path: 'd/e/f', texts: new Set() })
    expect(check()).toEqual(['BACK'])
  })

  it('excuses it at another place: somebody moved it there, with a directory above it', () => {
    expect(ledgerOfDeletion().check('e/f')).toEqual([])
  })
})

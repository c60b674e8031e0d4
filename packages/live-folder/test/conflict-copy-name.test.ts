import { describe, expect, it } from 'vitest'
import { isConflictCopyName } from '../src/plan/conflict-copy-name.ts'

const SAID = ' (conflict from laptop, 2026-11-21 145758)'

describe('the name of a conflict copy', () => {
  it.each([
    [`todo${SAID}.txt`, 'todo.txt'],
    [`readme${SAID}`, 'readme'],
    [`todo${SAID.replace(')', ' 2)')}.txt`, 'todo.txt'],
    [`v1${SAID}.0 (final)`, 'v1.0 (final)'],
    [`todo (conflict from Ann’s (old) one, 2026-11-21 145758).txt`, 'todo.txt'],
    [`todo${SAID}${SAID}.txt`, `todo${SAID}.txt`],
    [`${'é'.repeat(104)}${SAID}.txt`, `${'é'.repeat(120)}.txt`],
  ])('%s is known for one of %s', (name, original) => {
    expect(isConflictCopyName(name, original)).toBe(true)
  })

  it.each([
    ['todo.txt', 'todo.txt'],
    [`todo${SAID}.txt`, 'done.txt'],
    [`todo${SAID}.txt`, 'todo.md'],
    [`todo${SAID}.txt`, 'todo list.txt'],
    ['todo (conflict from laptop).txt', 'todo.txt'],
    [`${'é'.repeat(104)}${SAID}.txt`, `${'é'.repeat(103)}e${'é'.repeat(10)}.txt`],
  ])('%s is not taken for one of %s', (name, original) => {
    expect(isConflictCopyName(name, original)).toBe(false)
  })
})

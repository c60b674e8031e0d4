/** Six digits as people read them: `123 456`. */
export function formatDigits(digits: string): string {
  return `${digits.slice(0, 3)} ${digits.slice(3)}`
}

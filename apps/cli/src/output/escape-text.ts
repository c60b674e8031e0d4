/**
 * C0 and C1 controls and DEL (category Cc), lone surrogates (Cs), bidirectional controls, line and paragraph
 * separators, the byte order mark: what could move the cursor, colour the terminal, fake a line, or show a name other
 * than it is.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** Makes text from a peer, or from a file system, safe to print on a line of a terminal; controls show as `\u{1b}`. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`)
}

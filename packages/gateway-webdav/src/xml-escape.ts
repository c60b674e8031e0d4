const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** Text as it may stand in XML or HTML, between tags. What XML 1.0 cannot hold becomes U+FFFD. */
export function escapeText(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids.
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      .toWellFormed()
      .replace(/[&<>\r]/g, (character) => ENTITIES[character] as string)
  )
}

/** Text as it may stand between double quotes: white space survives the normalisation of attributes. */
export function escapeAttribute(text: string): string {
  return escapeText(text).replace(/["'\t\n]/g, (character) => ENTITIES[character] as string)
}

/**
 * Rows of cells as aligned lines, two spaces apart, without trailing blanks. Cells are safe text already.
 *
 * @param right - indices of the columns that are aligned at their right
 */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, [...cell].length)
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const blanks = ' '.repeat((widths[column] as number) - [...cell].length)
        return right.includes(column) ? blanks + cell : cell + blanks
      })
      .join('  ')
      .trimEnd(),
  )
}

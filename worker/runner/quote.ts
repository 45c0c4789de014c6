/** The one function that puts a value into shell text. */

/**
 * The value as one single-quoted word: inside such quotes no character means anything, but the quote itself.
 * A NUL cannot be in any argument or variable; whoever lets one come this far has a fault.
 */
export function quoteWord(value: string): string {
  if (value.includes('\0')) throw new Error('a NUL cannot be given to a command')
  return `'${value.replaceAll("'", `'\\''`)}'`
}

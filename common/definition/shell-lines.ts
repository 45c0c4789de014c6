/** Finds commands of several lines that would go on after a failure, which is what a shell does unless it is told. */

/** True when a text has more than one command line and nothing makes the shell stop at the first that fails. */
export function lacksErrorExit(shell: readonly string[], text: string): boolean {
  if (shell.slice(1).some((option) => /^-[a-z]*e/.test(option) || option === 'errexit'))
    return false
  if (/(?:^|[\s;&|({])set\s+-(?:[a-zA-Z]*e|o\s+errexit)/.test(text)) return false
  // A line that ends with an operator goes on, and what is chained by && stops by itself.
  const joined = text.replace(/\\\n/g, ' ').replace(/(&&|\|\|?)[ \t]*\n/g, '$1 ')
  const lines = joined
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
  return lines.length > 1
}

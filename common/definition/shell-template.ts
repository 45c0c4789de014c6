/**
 * Placeholders in the text of a shell command: rewritten once, at load time, into references to environment variables.
 *
 * The shell then expands `JOBZ_P_<name>` where the placeholder stood and never parses the value, whatever is in it. A
 * value that is quoted into the text instead would break wherever the author's own quotes surround it. So each
 * placeholder gets the quoting of its place: bare, inside `"…"` or inside `'…'`. Where none is safe, or where dash and
 * bash read the text differently and nobody can tell what the place is, the command is refused.
 */
import type { Trust, Use } from './command-uses.ts'
import { scanAll } from './shell-lexer.ts'
import { startScan } from './shell-scan.ts'
import { placeholdersOf, piecesOf } from './template.ts'

export type Rewritten =
  | {
      readonly kind: 'rewritten'
      readonly text: string
      readonly names: string[]
      /** Values that become arguments of programs, where anybody on the host can see them. */
      readonly shown: readonly Use[]
    }
  | {
      readonly kind: 'refused'
      /** Where in the text, in UTF-16 units. */
      readonly offset: number
      readonly message: string
      readonly hint: string | null
    }

/** The environment variable that holds a parameter's value. */
function variableOf(name: string): string {
  return `JOBZ_P_${name}`
}

/**
 * Rewrites the text for dash and bash. `names` are the placeholders, each once; all of them must be in the environment.
 * `trustOf` says how far a value is known; without it, any value may be anything.
 */
export function rewriteShell(
  text: string,
  trustOf: (name: string) => Trust = () => 'text',
): Rewritten {
  const names = [...new Set(placeholdersOf(text).map((placeholder) => placeholder.name))]
  // What has no placeholder is the author's own and needs no reading.
  if (names.length === 0) return { kind: 'rewritten', text: withoutEscapes(text), names, shown: [] }
  const scan = startScan(text, trustOf, variableOf)
  scanAll(scan)
  if (scan.refusal !== null) return { kind: 'refused', ...scan.refusal }
  return { kind: 'rewritten', text: scan.out.join(''), names, shown: scan.shown }
}

function withoutEscapes(text: string): string {
  let plain = ''
  for (const piece of piecesOf(text)) if (piece.kind === 'text') plain += piece.text
  return plain
}

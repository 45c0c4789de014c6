/** A small file of settings in YAML, read as strictly as job files are: bounded, no aliases, no unknown keys. */
import type { z } from 'zod'
import { nearestName } from '../definition/nearest.ts'
import { readTree } from '../definition/yaml-tree.ts'
import type { Tree } from '../definition/yaml-tree.ts'

export type Checked<T> =
  | { readonly kind: 'checked'; readonly value: T }
  /** `file:line:col: what, and what to do`, one line for each problem. */
  | { readonly kind: 'refused'; readonly message: string }

/**
 * Reads a text by a schema, whose objects are strict.
 * @param known The names that its author may have meant by an unknown one.
 */
export function readChecked<T>(
  file: string,
  text: string,
  schema: z.ZodType<T>,
  known: readonly string[],
): Checked<T> {
  const read = readTree(file, text)
  if (read.kind === 'refused')
    return refused(
      read.problems.map(({ line, column, message, hint }) =>
        sayAt(file, { line, column }, message, hint),
      ),
    )
  const { tree } = read
  const checked = schema.safeParse(tree.value ?? {})
  if (checked.success) return { kind: 'checked', value: checked.data }
  return refused(checked.error.issues.flatMap((issue) => inWords(tree, issue, known)))
}

function inWords(tree: Tree, issue: z.core.$ZodIssue, known: readonly string[]): string[] {
  const path = issue.path as (string | number)[]
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const near = nearestName(key, known)
      const hint = near ? `did you mean ${near}?` : `known are: ${known.join(', ')}`
      return sayAt(
        tree.file,
        tree.keyPlaceOf([...path, key]),
        `unknown key ${JSON.stringify(key)}`,
        hint,
      )
    })
  const what = path.length === 0 ? 'the file' : path.join('.')
  return [sayAt(tree.file, tree.placeOf(path), `${what}: ${issue.message}`, null)]
}

const sayAt = (
  file: string,
  { line, column }: { line: number; column: number },
  message: string,
  hint: string | null,
): string => `${file}:${line}:${column}: ${message}${hint === null ? '' : ` (${hint})`}`

const refused = (messages: readonly string[]): Checked<never> => ({
  kind: 'refused',
  message: messages.join('\n'),
})

/** What a verb of `jobz keys` is, and what comes of it: a value, which `jobz keys` shows. */
import type { Flag } from '../../../common/daemon/flags.ts'
import { nearestName } from '../../../common/definition/nearest.ts'
import type { Cli } from '../../command.ts'

export type Verb = {
  readonly name: string
  /** As one types it, without `jobz keys`. */
  readonly usage: string
  readonly summary: string
  /** The least and the greatest number of words after the verb. */
  readonly takes: readonly [number, number]
  readonly flags: readonly Flag[]
  /** What it does with the folder: only reads it, makes it when it is not there, changes what is in it, or nothing. */
  readonly touches: 'reads' | 'makes' | 'changes' | 'nothing'
  readonly run: (cli: Cli, folder: string) => Promise<Outcome>
}

export type Outcome = Done | Problem

export type Done = {
  readonly kind: 'done'
  /** For programs, on standard output: paths, a token, a key. */
  readonly lines: readonly string[]
  /** For people, on standard error: what that is, and what to do with it. */
  readonly notes: readonly string[]
  /** All of it, for `--json`. */
  readonly body: unknown
  /** Text that is laid out already, instead of `lines`. */
  readonly table?: string
  /** What could not be read. */
  readonly problems?: readonly string[]
}

export type Problem = Said<'usage'> | Said<'refused'>

/** What was typed cannot be meant, or what it asks for must not be done. */
type Said<Kind> = { readonly kind: Kind; readonly message: string; readonly hint: string | null }

export const wrong = (message: string, hint: string | null = null): Problem => ({
  kind: 'usage',
  message,
  hint,
})

export const refused = (message: string, hint: string | null = null): Problem => ({
  kind: 'refused',
  message,
  hint,
})

/** That a word is none of those that may stand there. */
export function noneOf(what: string, word: string, known: readonly string[]): Problem {
  const near = nearestName(word, known)
  const hint = near === null ? `known are: ${known.join(', ')}` : `did you mean ${near}?`
  return wrong(`${JSON.stringify(word)} is no ${what}`, hint)
}

export const isOneOf = <Known extends string>(
  word: string,
  known: readonly Known[],
): word is Known => (known as readonly string[]).includes(word)

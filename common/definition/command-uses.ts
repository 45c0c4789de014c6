/** Values in commands: how far each is known, the words they stand in, and what may be wrong with their place. */

/**
 * How far a value is known. `fixed`: the job file lists it, or it is a number or a day. `safe`: it has no character that
 * a shell knows, blanks apart. `text`: anything.
 */
export type Trust = 'fixed' | 'safe' | 'text'

export type Use = { readonly name: string; readonly trust: Trust; readonly offset: number }

/** A word of a command; `text` is what is known of it, with a NUL for each part that only the shell will know. */
export type Word = {
  readonly text: string
  readonly uses: readonly Use[]
  /** It is only unquoted expansions: when they are empty, the next word takes its place. */
  readonly mayVanish: boolean
}

export type UseProblem = { readonly use: Use; readonly message: string; readonly hint: string }

/** The first value among these words that may be anything. */
export function textIn(words: readonly Word[]): Use | null {
  return words.flatMap((word) => word.uses).find(isText) ?? null
}

export function isText(use: Use): boolean {
  return use.trust === 'text'
}

export function choosesCommand(word: Word | undefined): UseProblem | null {
  const use = word?.uses.find((one) => one.trust !== 'fixed')
  if (use === undefined) return null
  const message = `the value of ${use.name} would choose what is run`
  return { use, message, hint: `write the name out, or declare ${use.name} as an enum` }
}

export function parsesAgain(use: Use | null, by: string): UseProblem | null {
  if (use === null) return null
  const message = `the value of ${use.name} would be parsed again by ${by}`
  const argument = by.endsWith('-c')
    ? `pass it as an argument, as in sh -c 'echo "$1"' sh %(${use.name})s; or `
    : ''
  return { use, message, hint: `${argument}declare ${use.name} as safe, int, date or enum` }
}

export function evaluatesNames(use: Use | null, by: string): UseProblem | null {
  if (use === null) return null
  const message = `the value of ${use.name} would be evaluated by ${by}`
  return { use, message, hint: `assign it by itself (value=%(${use.name})s) and use the variable` }
}

/** The value would be part of a program in another language. */
export function becomesProgram(use: Use | null, by: string): UseProblem | null {
  if (use === null) return null
  const message = `the value of ${use.name} would be part of a program for ${by}`
  const hint = `hand it over as data: an argument, a variable (awk -v, psql -v), or JOBZ_P_${use.name} in the environment`
  return { use, message, hint: `${hint}; or declare it as safe, int, date or enum` }
}

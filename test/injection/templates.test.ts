/**
 * Templates made at random that mean something, and hostile values: whatever the lexer accepts means to the shell what
 * its author wrote, with the value as data.
 *
 * What the author meant is found by writing a harmless word into the template by hand, which needs no quoting. The
 * rewritten text must do the same with that word in the variable, and with any other value the same but for that value.
 *
 * JOBZ_FUZZ_RUNS (templates a shell) and JOBZ_FUZZ_SEED make longer and other runs of this test.
 */
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import * as fc from 'fast-check'
import { rewriteShell } from '../../common/definition/shell-template.ts'
import { templates } from './grammar.ts'
import { callsKey, runCases, SHELLS } from './shells.ts'
import type { Case } from './shells.ts'

const SEED = Number(process.env['JOBZ_FUZZ_SEED'] ?? 20_261_126)
const RUNS = Number(process.env['JOBZ_FUZZ_RUNS'] ?? 250)
/** Templates that one shell is started for. */
const BATCH = 250

/** No text of a template has it, and no shell knows it. */
const WORD = 'zQ9z'
const VALUES = [
  WORD,
  `\n pwned 1 \n'\n pwned 2 \n"\n pwned 3 \n)\n pwned 4 \n}\n pwned 5\n`,
  '$(pwned 6)`pwned 7`;pwned 8;${x:-$(pwned 9)} a[$(pwned 10)]=* ? [a-z]* ~ {a,b} !! -v %(x)s \\',
  `'"; pwned 11; '"$(pwned 12)" | pwned 13 & \\" \\' \t\r\u001b[31m\u202e;| \${IFS} #`,
  '',
]

type Template = { readonly text: string; readonly rewritten: string }

for (const shell of SHELLS) {
  test(`${shell}: a template means with a hostile value what it means with a harmless word`, (t) => {
    const made = fc.sample(templates(shell === 'bash'), { seed: SEED, numRuns: RUNS })
    const accepted = [...new Set(made)].flatMap((text): Template[] => {
      const result = rewriteShell(text)
      if (result.kind === 'refused' || result.names.length === 0) return []
      return [{ text, rewritten: result.text }]
    })
    t.true(accepted.length > RUNS / 3, `${accepted.length} of ${RUNS} templates are worth running`)
    for (let from = 0; from < accepted.length; from += BATCH)
      t.deepEqual(differences(shell, accepted.slice(from, from + BATCH)), [])
  })
}

/** The templates that did something else, the shortest first, each with what was expected. */
function differences(shell: string, batch: readonly Template[]): unknown[] {
  const cases = batch.flatMap(({ text, rewritten }): Case[] => [
    {
      text: text.replaceAll(/%%\(|%\(x\)s/g, (one) => (one === '%%(' ? '%(' : WORD)),
      values: [{}],
    },
    { text: rewritten, values: VALUES.map((x) => ({ x })) },
  ])
  const { calls, intrusions } = runCases(shell, cases, { isAlone: true })
  const wrong = batch.flatMap(({ text, rewritten }, place) => {
    const meant = calls.get(callsKey(place * 2, 0)) ?? []
    for (const [row, value] of VALUES.entries()) {
      const seen = calls.get(callsKey(place * 2 + 1, row))
      const expected = meant.map((call) =>
        call.map((argument) => argument.replaceAll(WORD, () => value)),
      )
      if (!isDeepStrictEqual(seen, expected)) return [{ text, rewritten, value, seen, expected }]
    }
    return []
  })
  const shortest = wrong.toSorted((one, other) => one.text.length - other.text.length)
  return [...shortest.slice(0, 3), ...intrusions]
}

/**
 * Texts that nobody would write, made at random from the pieces that confuse lexers. Most are nonsense or refused; what
 * is rewritten must still never let a value run anything, in any shell. JOBZ_FUZZ_RUNS and JOBZ_FUZZ_SEED as in
 * templates.test.ts.
 */
import test from 'ava'
import * as fc from 'fast-check'
import { rewriteShell } from '../../common/definition/shell-template.ts'
import { runCases, SHELLS } from './shells.ts'

/** Divided by middle dots, since nearly every other character is a piece. */
const PIECES = [
  "%(x)s·%(x)s·%(x)s·\"·\"·'·'·\\·\n· · ·$·`·#·(·)·{·}·|·&·;·;;·<·>·<<E·<<-E·<<'E'·\nE\n·<<<",
  '$(·$(·)·${a:-·${a·}·$((·((·))·[[ · ]]·$[·]·$\'·$"·[·a[·=·a=·a=(·b·1·2>·&>·>&·<(·!·@(',
  'probe ·probe ·echo ·: ·case · in ·a) · esac·if ·; then ·; fi·for i in ·; do ·; done·f() ',
  'eval ·trap · EXIT·export ·local ·unset ·declare ·let ·test -v ·printf -v ·read ·alias ·exec ',
  'command ·sh -c ·bash -c · | sh· | bash·%%(·%·~·*·\\\n·\t·$$·$#·$1·&& ·|| ·-c ·PATH=·PS4=·set -x; ',
].flatMap((line) => line.split('·'))

/** Each breaks out of another kind of quoting; none has a meaning as data. */
const HOSTILE = [
  `\n pwned 1 \n'\n pwned 2 \n"\n pwned 3 \n)\n pwned 4 \n`,
  '$(pwned 5)`pwned 6`;pwned 7;',
  `'"; pwned 8; '"$(pwned 9)`,
  `"'; pwned 10; "'\`pwned 11\``,
  'a[$(pwned 12)]',
  `E\npwned 13\nE\n; } ) pwned 14`,
  'pwned 15',
]

const SEED = Number(process.env['JOBZ_FUZZ_SEED'] ?? 20_260_701)
const ENOUGH = Number(process.env['JOBZ_FUZZ_RUNS'] ?? 400)
/** What the author's own unquoted variable makes of a value is the author's business. */
const EXPANDS_VARIABLE = /\$\{?a/

for (const shell of SHELLS) {
  test(`${shell}: no value runs anything from a text made at random`, (t) => {
    const text = fc.array(fc.constantFrom(...PIECES), { minLength: 2, maxLength: 14 })
    const texts = fc
      .sample(text, { seed: SEED, numRuns: ENOUGH * 100 })
      .map((pieces) => pieces.join(''))
    const rewritten = new Set<string>()
    for (const one of texts) {
      const result = rewriteShell(one)
      if (result.kind === 'refused' || result.names.length === 0) continue
      if (!EXPANDS_VARIABLE.test(result.text)) rewritten.add(result.text)
    }
    t.true(rewritten.size >= ENOUGH, `${rewritten.size} texts are worth running`)
    const values = HOSTILE.map((x) => ({ x }))
    const cases = [...rewritten].slice(0, ENOUGH).map((one) => ({ text: one, values }))
    const outcome = runCases(shell, cases)
    if (outcome.intrusions.length === 0) return t.pass()
    const guilty = cases.filter((one) => runCases(shell, [one]).intrusions.length > 0)
    t.deepEqual(
      guilty.map((one) => one.text),
      [],
    )
  })
}

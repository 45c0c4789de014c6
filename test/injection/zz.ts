import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { rewriteShell } from '../../common/definition/shell-template.ts'
import { runCases } from './shells.ts'
const src = readFileSync(new URL('./random.test.ts', import.meta.url), 'utf8')
const grab = (name: string) => {
  const a = src.indexOf(`const ${name} = [`)
  const b = src.indexOf('\n]', a)
  return eval(src.slice(a + `const ${name} = `.length, b + 2))
}
const PIECES = grab('PIECES'),
  HOSTILE = grab('HOSTILE')
for (let seed = Number(process.argv[2]); seed < Number(process.argv[3]); seed++) {
  const texts = fc
    .sample(fc.array(fc.constantFrom(...PIECES), { minLength: 2, maxLength: 2 + (seed % 16) }), {
      seed,
      numRuns: 60000,
    })
    .map((p: string[]) => p.join(''))
  const set = new Set<string>()
  for (const one of texts) {
    const r = rewriteShell(one)
    if (r.kind === 'rewritten' && r.names.length && !/\$\{?a/.test(r.text)) set.add(r.text)
  }
  const cases = [...set]
    .slice(0, 1500)
    .map((text) => ({ text, values: HOSTILE.map((x: string) => ({ x })) }))
  for (const shell of ['dash', 'bash']) {
    const o = runCases(shell, cases)
    console.log(seed, shell, cases.length, o.intrusions.length)
    if (o.intrusions.length)
      for (const c of cases) {
        const i = runCases(shell, [c]).intrusions
        if (i.length) console.log(JSON.stringify(c.text), i[0])
      }
  }
}

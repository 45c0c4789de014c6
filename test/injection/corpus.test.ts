/**
 * The promise itself, on real shells: whatever the value, wherever it may stand, the command sees it byte for byte and
 * nothing else runs.
 */
import test from 'ava'
import { rewriteShell } from '../../common/definition/shell-template.ts'
import { callsKey, MISSING_SHELLS, runCases, SHELLS } from './shells.ts'
import { HOSTILE_VALUES } from './values.ts'

type Place = {
  readonly template: string
  /** The arguments that `probe` must get. */
  readonly expected: (value: string) => string[]
  readonly only?: string
}

/** Every place where a value may stand. */
const PLACES: readonly Place[] = [
  { template: 'probe %(x)s', expected: (x) => [x] },
  { template: 'probe %(x)s%(x)s', expected: (x) => [x + x] },
  { template: 'probe a%(x)sb', expected: (x) => [`a${x}b`] },
  { template: 'probe a.%(x)s %(x)s.b', expected: (x) => [`a.${x}`, `${x}.b`] },
  { template: 'probe "%(x)s"', expected: (x) => [x] },
  { template: 'probe "a %(x)s b"', expected: (x) => [`a ${x} b`] },
  { template: 'probe "a"%(x)s"b"', expected: (x) => [`a${x}b`] },
  { template: 'probe "\\"%(x)s\\""', expected: (x) => [`"${x}"`] },
  { template: `probe "it's %(x)s"`, expected: (x) => [`it's ${x}`] },
  { template: "probe '%(x)s'", expected: (x) => [x] },
  { template: "probe 'a %(x)s b'", expected: (x) => [`a ${x} b`] },
  { template: `probe 'say "%(x)s"'`, expected: (x) => [`say "${x}"`] },
  { template: "probe 'a'%(x)s'b'", expected: (x) => [`a${x}b`] },
  { template: "probe 'back\\%(x)s'", expected: (x) => [`back\\${x}`] },
  { template: "probe '$%(x)s'", expected: (x) => [`$${x}`] },
  { template: 'probe \\\\%(x)s', expected: (x) => [`\\${x}`] },
  { template: 'probe "\\\\%(x)s"', expected: (x) => [`\\${x}`] },
  { template: 'probe \\$%(x)s "\\$%(x)s"', expected: (x) => [`$${x}`, `$${x}`] },
  { template: `probe \\"%(x)s\\'%(x)s`, expected: (x) => [`"${x}'${x}`] },
  { template: 'probe --name=%(x)s', expected: (x) => [`--name=${x}`] },
  { template: 'a=%(x)s; probe "$a"', expected: (x) => [x] },
  { template: 'a=b%(x)s"%(x)s"; probe "$a"', expected: (x) => [`b${x}${x}`] },
  { template: 'export a=%(x)s; probe "$a"', expected: (x) => [x] },
  { template: 'a="$(printf %s %(x)s; printf E)"; probe "$a"', expected: (x) => [`${x}E`] },
  { template: 'probe "$(printf \'%s\' "%(x)s"; printf E)"', expected: (x) => [`${x}E`] },
  { template: 'probe "$(printf \'%s\' "$(printf \'%sE\' %(x)s)")"', expected: (x) => [`${x}E`] },
  { template: '( probe %(x)s )', expected: (x) => [x] },
  { template: '{ probe %(x)s; }', expected: (x) => [x] },
  { template: 'f() { probe "$1"; }; f %(x)s', expected: (x) => [x] },
  { template: 'f() { probe %(x)s; }\nf', expected: (x) => [x] },
  { template: 'set -- %(x)s b; probe "$@"', expected: (x) => [x, 'b'] },
  { template: 'for i in %(x)s a; do probe "$i"; break; done', expected: (x) => [x] },
  { template: 'if [ %(x)s = %(x)s ]; then probe %(x)s; fi', expected: (x) => [x] },
  { template: 'true && probe %(x)s || probe no', expected: (x) => [x] },
  {
    template: 'case %(x)s in\n  %(x)s) probe %(x)s;;\n  *) probe no;;\nesac',
    expected: (x) => [x],
  },
  { template: 'case a in (b|c) probe no;; a) probe "%(x)s";; esac', expected: (x) => [x] },
  { template: 'probe %(x)s # a comment: it\'s "fine"', expected: (x) => [x] },
  { template: "# it's\nprobe %(x)s", expected: (x) => [x] },
  {
    template: 'cat <<E >/dev/null\nit\'s "\n$(true) ${HOME}\nE\nprobe %(x)s',
    expected: (x) => [x],
  },
  { template: "cat <<'E' >/dev/null\n` $( ' \"\nE\nprobe '%(x)s'", expected: (x) => [x] },
  { template: "cat <<-E >/dev/null\n\t'\n\tE\nprobe %(x)s", expected: (x) => [x] },
  { template: 'probe a \\\n  %(x)s', expected: (x) => ['a', x] },
  { template: 'probe $((1 << 2)) "${HOME%%/*}" %(x)s', expected: (x) => ['4', '', x] },
  { template: 'n=$(( (2 + 3) * 2 )); probe "$n%(x)s"', expected: (x) => [`10${x}`] },
  { template: 'probe $#%(x)s "$$">/dev/null; probe "$#%(x)s"', expected: (x) => [`0${x}`] },
  { template: 'probe "`echo a`%(x)s"', expected: (x) => [`a${x}`] },
  { template: 'sh -c \'printf "CALL\\0ARG%s\\0" "$1"\' sh %(x)s', expected: (x) => [x] },
  { template: 'sh -c \'printf "CALL\\0ARG%s\\0" "$JOBZ_P_x"\'; : %(x)s', expected: (x) => [x] },
  { template: "env printf 'CALL\\0ARG%s\\0' %(x)s", expected: (x) => [x] },
  { template: 'probe %\\(x\\)s%(x)s', expected: (x) => [`%(x)s${x}`] },
  { template: "probe '%%(x)s'%(x)s", expected: (x) => [`%(x)s${x}`] },
  {
    template: 'a=(1 %(x)s "b %(x)s"); probe "${a[@]}"',
    expected: (x) => ['1', x, `b ${x}`],
    only: 'bash',
  },
  {
    template: 'a="$(cat <<< %(x)s; printf E)"; probe "$a"',
    expected: (x) => [`${x}\nE`],
    only: 'bash',
  },
  {
    template: 'a="$(cat <(printf \'%sE\' %(x)s))"; probe "$a"',
    expected: (x) => [`${x}E`],
    only: 'bash',
  },
  { template: 'f() { local a; a=%(x)s; probe "$a"; }; f', expected: (x) => [x] },
  // Files, pipes, and shells in shells.
  { template: 'probe 2>/dev/null %(x)s >&1', expected: (x) => [x] },
  {
    template: 'printf "%s" %(x)s > ../target; probe "$(cat ../target; printf E)"',
    expected: (x) => [`${x}E`],
  },
  { template: 'probe "$(printf %s %(x)s | cat | cat; printf E)"', expected: (x) => [`${x}E`] },
  { template: 'printf %s %(x)s | { probe "$(cat; printf E)"; }', expected: (x) => [`${x}E`] },
  { template: '( ( ( probe %(x)s ) ) )', expected: (x) => [x] },
  { template: 'probe %(x)s & wait', expected: (x) => [x] },
  {
    template: 'probe -- %(x)s --a=%(x)s -b%(x)s',
    expected: (x) => ['--', x, `--a=${x}`, `-b${x}`],
  },
  { template: 'probe "%(x)s"\'%(x)s\'%(x)s\\ "%(x)s"', expected: (x) => [`${x}${x}${x} ${x}`] },
  {
    template: 'a="%(x)s" b=\'%(x)s\' sh -c \'printf "CALL\\0ARG%s\\0ARG%s\\0" "$a" "$b"\'',
    expected: (x) => [x, x],
  },
  { template: 'while read -r _; do probe %(x)s; done <<E\none line\nE', expected: (x) => [x] },
  { template: 'until probe %(x)s; do :; done', expected: (x) => [x] },
  { template: 'if false; then :; elif [ -n a%(x)s ]; then probe %(x)s; fi', expected: (x) => [x] },
  {
    template: 'case "a%(x)s" in\n  a) probe "";;\n  a*) probe "%(x)s";;\nesac',
    expected: (x) => [x],
  },
  {
    template: "find . -maxdepth 0 -exec printf 'CALL\\0ARG%s\\0' %(x)s \\;",
    expected: (x) => [x.replaceAll('{}', '.')],
    only: 'dash',
  },
  {
    template: "printf a | xargs -I Z printf 'CALL\\0ARG%s\\0ARGZ\\0' %(x)s",
    expected: (x) => [x.replaceAll('Z', 'a'), 'a'],
    only: 'dash',
  },
  {
    template: "nohup env -u NOTHING printf 'CALL\\0ARG%s\\0' %(x)s",
    expected: (x) => [x],
    only: 'dash',
  },
  { template: 'if ((1 + 1 == 2)); then probe %(x)s; fi', expected: (x) => [x], only: 'bash' },
]

for (const shell of SHELLS) {
  test(`${shell}: every hostile value in every place is seen byte for byte, and nothing else runs`, (t) => {
    const places = PLACES.filter((place) => place.only === undefined || place.only === shell)
    const cases = places.flatMap((place) => {
      const rewritten = rewriteShell(place.template)
      if (rewritten.kind === 'refused') {
        t.fail(`${place.template}: ${rewritten.message}`)
        return []
      }
      return [{ place, text: rewritten.text, values: HOSTILE_VALUES.map((x) => ({ x })) }]
    })
    const outcome = runCases(shell, cases)
    t.deepEqual(outcome.intrusions, [])
    t.deepEqual(outcome.files, [])
    for (const [number, { place }] of cases.entries()) {
      for (const [row, value] of HOSTILE_VALUES.entries()) {
        const calls = outcome.calls.get(callsKey(number, row))
        const shown = `${place.template} with ${JSON.stringify(value.slice(0, 80))}`
        t.deepEqual(calls?.at(-1), place.expected(value), shown)
      }
    }
  })
}

for (const shell of MISSING_SHELLS) test.skip(`${shell} is not on this machine`, (t) => t.pass())

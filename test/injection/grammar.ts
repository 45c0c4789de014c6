/**
 * Shell templates made at random, each of which means something: quotes in quotes, substitutions, functions, `case`,
 * here-documents, comments, continued lines, and placeholders wherever a value may stand.
 *
 * Everything that a template does with a value ends in a call of `probe`, byte for byte: nothing is left unquoted and
 * `$( )` keeps its last newline by an `E` behind it. So a template has one right answer for every value.
 */
import * as fc from 'fast-check'

const PLACEHOLDER = '%(x)s'

/** A template for the shells that all read alike, or with what only bash has. */
export function templates(isBash: boolean): fc.Arbitrary<string> {
  const { list } = fc.letrec<Rules>((tie) => rules(tie, isBash))
  return list
}

type Rules = Record<'list' | 'command' | 'word' | 'part' | 'quoted' | 'substitution', string>
type Tie = fc.LetrecTypedTie<Rules>

function rules(tie: Tie, isBash: boolean) {
  return {
    list: joined(tie('command'), fc.constantFrom('\n', '; ', '\n\n', ' # it\'s a "comment\n'), 2),
    command: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      ...COMMANDS.map((shape) => fill(tie, shape)),
      ...(isBash ? BASH_COMMANDS.map((shape) => fill(tie, shape)) : []),
    ),
    word: joined(tie('part'), fc.constant(''), 4),
    part: fc.oneof(
      { depthSize: 'small' },
      { weight: 6, arbitrary: fc.constant(PLACEHOLDER) },
      { weight: 4, arbitrary: fc.constantFrom(...PLAIN) },
      { weight: 3, arbitrary: enclosed("'", fc.constantFrom(PLACEHOLDER, ...IN_SINGLE)) },
      { weight: 4, arbitrary: enclosed('"', tie('quoted')) },
    ),
    quoted: fc.oneof(
      { depthSize: 'small' },
      { weight: 5, arbitrary: fc.constant(PLACEHOLDER) },
      { weight: 5, arbitrary: fc.constantFrom(...IN_DOUBLE) },
      { weight: 2, arbitrary: tie('substitution') },
    ),
    substitution: fc.oneof(
      tie('word').map((word) => `$(printf %s ${word}; printf E)`),
      tie('word').map((word) => `$( ( printf '%sE' ${word} ) )`),
      tie('word').map((word) => `$(printf '%sE' ${word} |\n cat)`),
      tie('word').map((word) => `$(a=${word}; f() { printf '%sE' "$a"; }; f)`),
    ),
  }
}

/** `W` is a word, `L` is a list of commands, `C` is one command. */
const COMMANDS: readonly string[] = [
  'probe W',
  'probe W W',
  'probe W\\\n W',
  'probe --name=W W >&1',
  'probe 2>/dev/null W',
  'a=W; probe "$a"',
  'a=W b=W; probe "$a" "${b}"',
  'export a=W; probe "${a}" "${a%%*}"',
  'set -- W W; probe "$@"; probe "$#" "$2"',
  'f() { probe "$1" W; }; f W',
  'f() ( probe W ); f',
  'f()\n{\n  L\n}\nf',
  '( L )',
  '(L)',
  '{ L\n}',
  'if [ a%(x)s = "a%(x)s" ]; then L\nelse probe no\nfi',
  'if true; then\n L\nfi',
  'for i in W W; do probe "$i"; done',
  'for i in 1; do L\ndone',
  'while true; do L\nbreak; done',
  'until false; do C; break; done',
  'case %(x)s in\n  "%(x)s") C;;\n  *) probe no;;\nesac',
  'case a in (b|bW) probe no;; a) C;; esac',
  'case "$((1 + 1))" in 2) L\n;; *) C; esac',
  'true && C',
  'false || C',
  '! C',
  '{ C; } | cat',
  '( C ) | { cat; }',
  'true |\n { C\n}',
  'cat <<E >/dev/null\nit\'s "a" $HOME ) `\\`` \\\\\nE\nC',
  "cat <<'E' >/dev/null; C\n' \" $( ` ) }\nE\nC",
  'cat <<-\\E > /dev/null\n\t"\n\tE\nC',
  '# comment\' " ` $( \nC',
  'probe "$((2 * (3 + 1)))" ${#z} "${z:-b}" $? W',
  'probe "`printf a`"W `printf b`',
  'probe "$(L\nprintf E)"',
  'n=1; probe $((n << 2))W "$(( n ))"',
]

const BASH_COMMANDS: readonly string[] = [
  'a=(W W); probe "${a[@]}"',
  'a=(1 [2]=W); probe "${a[2]}"',
  'a="$(cat <<< W; printf E)"; probe "$a"',
  'a="$(cat <(printf \'%sE\' W))"; probe "$a"',
  'if [[ a == a && b =~ (b|c) ]]; then C; fi',
  '((1 + 1)); C',
  'function f { C; }; f',
  "probe $'a' W",
  'probe {a,W}',
]

const PLAIN = [
  'a',
  'b=',
  '-',
  '/',
  '.',
  ',',
  ':',
  '@',
  '%',
  '^',
  '\\ ',
  '\\"',
  "\\'",
  '\\$',
  '\\\\',
  '\\;',
  '\\#',
  'a#',
  '""',
  '"$"',
  "''",
  '\\\n',
  '$((1))',
  '%%\\(x\\)s',
  'é',
  ']',
  '}a',
]
const IN_SINGLE = [
  'a',
  ' ',
  '"',
  '\\',
  '$',
  '`',
  '#',
  ')',
  '(',
  ';',
  '\n',
  '$(',
  '${',
  '\\\\',
  '%%(x)s',
  'é',
  '}',
  ' # ',
]
const IN_DOUBLE = [
  'a',
  ' ',
  "'",
  '\\"',
  '\\\\',
  '\\$',
  '\\`',
  '#',
  ')',
  '(',
  ';',
  '\n',
  '$HOME ',
  '${HOME}',
  '${HOME%%/*}',
  '$((1 + 1))',
  '`printf a`',
  '\\a',
  '\\\n',
  '$ ',
  '$%',
  '%%(x)s',
  '}',
  "it's",
  '${z:-b}',
  '$(true)',
]

/** A shape with its letters filled in. */
function fill(tie: Tie, shape: string): fc.Arbitrary<string> {
  const names = { W: 'word', L: 'list', C: 'command' } as const
  const parts = shape.split(/\b([WLC])\b/)
  return fc
    .tuple(
      ...parts.map((part, place) =>
        place % 2 === 0 ? fc.constant(part) : tie(names[part as keyof typeof names]),
      ),
    )
    .map((texts) => texts.join(''))
}

function joined(one: fc.Arbitrary<string>, between: fc.Arbitrary<string>, most: number) {
  return fc
    .array(fc.tuple(one, between), { minLength: 1, maxLength: most })
    .map((pairs) => pairs.map(([text, gap], place) => (place === 0 ? text : gap + text)).join(''))
}

function enclosed(quote: string, inside: fc.Arbitrary<string>) {
  return fc.array(inside, { maxLength: 4 }).map((parts) => quote + parts.join('') + quote)
}

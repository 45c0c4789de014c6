import test from 'ava'
import type { Trust } from '../../../common/definition/command-uses.ts'
import { rewriteShell } from '../../../common/definition/shell-template.ts'

/** Parameters are named after how far their values are known. */
function trustOf(name: string): Trust {
  return name === 'fixed' || name === 'safe' ? name : 'text'
}

const REWRITTEN: readonly (readonly [string, string])[] = [
  ['', ''],
  ['date +%Y; echo ${f%%.*}', 'date +%Y; echo ${f%%.*}'],
  ['echo %%(x)s', 'echo %(x)s'],
  ['echo %(x)s', 'echo "${JOBZ_P_x}"'],
  ['echo "a %(x)s"', 'echo "a ${JOBZ_P_x}"'],
  ["echo 'a %(x)s'", `echo 'a '"\${JOBZ_P_x}"''`],
  ['a=%(x)s; b="%(x)s"', 'a="${JOBZ_P_x}"; b="${JOBZ_P_x}"'],
  ['cat > f.%(x)s 2>&1', 'cat > f."${JOBZ_P_x}" 2>&1'],
  ['cat < %(x)s', 'cat < "${JOBZ_P_x}"'],
  ['sleep %(n)d', 'sleep "${JOBZ_P_n}"'],
  ['echo "$(wc -l < "%(x)s")"', 'echo "$(wc -l < "${JOBZ_P_x}")"'],
  [`sh -c 'echo "$1"' sh %(x)s`, `sh -c 'echo "$1"' sh "\${JOBZ_P_x}"`],
  ['echo "%%(x)s" %(x)s', 'echo "%(x)s" "${JOBZ_P_x}"'],
]

test('each placeholder becomes a reference with the quoting of its place', (t) => {
  for (const [text, expected] of REWRITTEN)
    t.like(rewriteShell(text), { kind: 'rewritten', text: expected }, text)
})

test('the names are told once each', (t) => {
  t.like(rewriteShell('echo %(b)s %(a)s "%(b)s" %%(c)s'), { names: ['b', 'a'] })
})

/** Where no quoting is right, or nobody can tell which: the text, and a word of the message. */
const NO_PLACE: readonly (readonly [string, RegExp])[] = [
  ['echo `cat %(x)s`', /backticks/],
  ['echo "`cat %(x)s`"', /backticks/],
  ['echo $((%(x)s + 1))', /\$\(\( \)\)/],
  ['echo $((1 + "%(x)s"))', /\$\(\(/],
  ['echo ${a:-%(x)s}', /\$\{ \}/],
  ['echo "${a:-%(x)s}"', /\$\{ \}/],
  ['echo ${a:-"%(x)s"}', /\$\{ \}/],
  ["echo $'%(x)s'", /\$'…'/],
  ['echo $"%(x)s"', /\$"…"/],
  ['cat <<E\n%(x)s\nE', /here-document/],
  ["cat <<'E'\n%(x)s\nE", /here-document/],
  ['cat <<-E\n\t%(x)s\n\tE', /here-document/],
  ['cat <<%(x)s\nE', /here-document/],
  ['echo a # %(x)s', /comment/],
  ['# %(x)s\necho', /comment/],
  ['[[ %(x)s = a ]]', /\[\[ \]\]/],
  ['[[ a = a && ( b = "%(x)s" ) ]]', /\[\[ \]\]/],
  ['((a = %(x)s))', /\(\( \)\)/],
  ['a[%(x)s]=1', /subscript/],
  ['a["%(x)s"]=1', /subscript/],
  ['a=([%(x)s]=1)', /subscript/],
  ['echo \\%(x)s', /backslash/],
  ['echo "\\%(x)s"', /backslash/],
  ['echo $%(x)s', /follow a \$/],
  ['echo "$%(x)s"', /follow a \$/],
  ['echo >&%(x)s', /again after >&/],
  ['cat <&%(x)s', /again after <&/],
  ['echo >&$(echo %(x)s)', /again after >&/],
  ['echo &> log %(x)s', /&>/],
  ["echo $'\\'' %(x)s", /sure of the quoting/],
  ["echo ${a:-'}'} %(x)s", /sure of the quoting/],
  ['echo "${a:-\'}" %(x)s', /sure of the quoting/],
  ['echo $(case a in a) echo;; esac) %(x)s', /sure of the quoting/],
  ["echo $(echo # it's\n) %(x)s", /sure of the quoting/],
  ['echo $(cat <<E\na\nE\n) %(x)s', /sure of the quoting/],
  ["cat <<E\n$(echo '\nE\n') %(x)s", /sure of the quoting/],
  ["((a = '1')); echo %(x)s", /sure of the quoting/],
  ['echo $\\\n(echo) %(x)s', /sure of the quoting/],
  ['a=("$$(echo "%(x)s")")', /sure of the quoting/],
  ['echo "%(x)s', /never closed by "/],
  ["echo '%(x)s", /never closed by '/],
  ['echo $(echo %(x)s', /never closed by \)/],
  ['echo %(x)s `echo', /never closed by `/],
]

test('a placeholder is refused where no quoting is safe', (t) => {
  for (const [text, message] of NO_PLACE) {
    const result = rewriteShell(text, () => 'fixed')
    t.is(result.kind, 'refused', text)
    if (result.kind === 'refused') t.regex(result.message, message, text)
  }
})

test('the refusal says where', (t) => {
  t.like(rewriteShell('echo ok\necho `%(x)s`'), { kind: 'refused', offset: 14 })
})

/** Commands that would make more of a value than data; `%(x)s` is any text. */
const CODE = [
  'sh -c "echo %(x)s"',
  "bash -c 'echo %(x)s'",
  'bash -o pipefail -ec "%(x)s"',
  '/bin/sh -c %(x)s',
  "'sh' -c %(x)s",
  '$SHELL -c %(x)s',
  '"$SHELL" -c %(x)s',
  '$nothing eval %(x)s',
  'sh $flags -c %(x)s',
  'sh -c "$(echo %(x)s)"',
  'eval echo %(x)s',
  'eval "$(echo %(x)s)"',
  'command eval %(x)s',
  'a=1 eval %(x)s',
  '> log eval %(x)s',
  'if eval %(x)s; then true; fi',
  'f() { eval %(x)s; }',
  '( eval %(x)s )',
  'case a in a) eval %(x)s;; esac',
  'true; eval %(x)s',
  'true && eval %(x)s',
  'ssh host ls %(x)s',
  'ssh -p 22 host "ls %(x)s"',
  'echo %(x)s | ssh host',
  'su -c "ls %(x)s" bob',
  'su bob -c %(x)s',
  "find . -exec sh -c 'echo %(x)s' {} +",
  'find . -exec eval %(x)s +',
  "xargs sh -c 'echo %(x)s'",
  "echo %(x)s | xargs -I{} sh -c 'echo {}'",
  "sudo -u bob sh -c 'ls %(x)s'",
  'env A=1 bash -c "ls %(x)s"',
  'env -S "ls %(x)s"',
  'docker exec box sh -c "ls %(x)s"',
  'timeout 5 sh -c "ls %(x)s"',
  'flock /tmp/lock -c "ls %(x)s"',
  'watch ls %(x)s',
  'trap "rm %(x)s" EXIT',
  'alias a=%(x)s',
  'echo %(x)s | sh',
  'echo %(x)s | tee log | sudo bash -s',
  '(echo %(x)s; true) | sh',
  '{ echo %(x)s; } | sh',
  'echo %(x)s |\n sh',
  'sh <<< %(x)s',
  'sh < %(x)s',
  'echo "%(x)s" | at now',
  'let a=%(x)s',
  'declare a=%(x)s',
  'local a=%(x)s',
  'unset %(x)s',
  'read %(x)s',
  'printf -v %(x)s a',
  'test -v %(x)s',
  '[ -v %(x)s ]',
  'export %(x)s',
  'PS4=%(x)s',
  'PATH=%(x)s ls',
  'BASH_ENV=%(x)s bash f',
]

test('a text is refused where a command would parse it again', (t) => {
  for (const text of CODE) t.is(rewriteShell(text, trustOf).kind, 'refused', text)
})

test('values without special characters may be parsed again', (t) => {
  for (const text of [
    'sh -c "ls %(safe)s"',
    'ssh host ls %(safe)s',
    'su bob -c "ls %(fixed)s"',
    'echo %(safe)s | sh',
  ]) {
    t.is(rewriteShell(text, trustOf).kind, 'rewritten', text)
  }
})

const NAMES_COMMAND = [
  '%(safe)s',
  '%(safe)s a',
  './%(safe)s.sh',
  'sudo %(safe)s',
  'exec %(safe)s',
  '. %(safe)s',
  'sh %(safe)s',
  'true | %(safe)s',
  'env A=1 %(safe)s',
  '$nothing %(safe)s',
  'timeout 5 %(safe)s',
]

test('only a value that the job lists may choose what is run', (t) => {
  for (const text of NAMES_COMMAND) {
    const result = rewriteShell(text, trustOf)
    t.is(result.kind, 'refused', text)
    if (result.kind === 'refused') t.regex(result.message, /would choose what is run/, text)
    t.is(rewriteShell(text.replace('safe', 'fixed'), trustOf).kind, 'rewritten', text)
  }
})

/** Commands that look alike, and only get data. */
const DATA = [
  'grep sh %(x)s',
  'echo %(x)s | grep bash',
  'echo eval %(x)s',
  'sudo -u %(x)s ls',
  'timeout %(x)s ls %(x)s',
  'nice -n %(x)s ls %(x)s',
  'A=%(x)s ls %(x)s',
  'find . -name %(x)s -exec rm {} +',
  'sh script.sh %(x)s',
  'bash -e -- script.sh %(x)s',
  'generate | ssh host tee log; echo %(x)s',
  'printf "%s" %(x)s',
  '[ -n %(x)s ] && [ %(x)s = a ]',
  'a=%(x)s; export a; export b=%(x)s',
  'for f in %(x)s b; do cat "$f"; done',
  'while read line; do echo "$line"; done < %(x)s',
  'case %(x)s in a|%(x)s) echo %(x)s;; (b) echo;; esac; echo %(x)s',
  '( cd %(x)s && ls ) | tee %(x)s',
  'echo "$HOME/%(x)s" "${HOME%%/*}" "${HOME:-/root}" "$(date +%F)-%(x)s"',
  'cp -r "${SRC:-$(pwd)}" %(x)s',
  'cp "$a" "${b:-"none"}" %(x)s',
  'echo $((2 * (3 + 4))) $(( $(nproc) + 1 )) $(($# << 1)) %(x)s',
  'echo "it\'s" \'a "b"\' a\\ b \\" \\\' %(x)s',
  'echo a |\n  tee %(x)s &&\n  true \\\n  %(x)s',
  'find . \\( -name a -o -name b \\) -newer %(x)s',
  'echo > log 2>&1 %(x)s',
  'ls %(x)s &> log',
]

test('what only looks like code is let through', (t) => {
  for (const text of DATA) {
    const result = rewriteShell(text, trustOf)
    t.is(result.kind, 'rewritten', `${text}: ${result.kind === 'refused' ? result.message : ''}`)
  }
})

test('a text without placeholders is the business of its author', (t) => {
  for (const text of ['eval "$x"', 'echo "unclosed', '$(( `', 'a[$(b)]=1', '<<']) {
    t.like(rewriteShell(text), { kind: 'rewritten', text, names: [] })
  }
})

test('a long text is read in linear time', (t) => {
  const long = `echo ${'"a" \'b\' $c `d` ${e} '.repeat(8000)} %(x)s`
  t.is(rewriteShell(long).kind, 'rewritten')
  t.is(
    rewriteShell(`${'$('.repeat(20_000)}%(x)s${')'.repeat(20_000)}`, () => 'safe').kind,
    'refused',
  )
  t.is(
    rewriteShell(`${'echo $('.repeat(40)}echo %(x)s${')'.repeat(40)}`, () => 'safe').kind,
    'rewritten',
  )
  t.is(rewriteShell(`echo ${'${'.repeat(50_000)} %(x)s`).kind, 'refused')
})

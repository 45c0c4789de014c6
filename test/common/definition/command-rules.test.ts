/** Commands that would make more of a value than data, by ways that are easily overlooked; and what only looks so. */
import test from 'ava'
import type { Trust } from '../../../common/definition/command-uses.ts'
import { rewriteShell } from '../../../common/definition/shell-template.ts'
import { parse, shown } from './parsing.ts'

/** `%(fixed)s` and `%(safe)s` are what their names say, all others may be anything. */
function trustOf(name: string): Trust {
  return name === 'fixed' || name === 'safe' ? name : 'text'
}

/** Each way to a command that reads its arguments or its input as code: the text, and a word of the message. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['nohup sh -c "ls %(x)s"', /by sh -c/],
  ['/usr/bin/env bash -c "ls %(x)s"', /by bash -c/],
  ['busybox sh -c "ls %(x)s"', /by sh -c/],
  ['unshare -r sh -c "ls %(x)s"', /by sh -c/],
  ['setpriv --reuid 1000 ssh host ls %(x)s', /by ssh/],
  ['sudo --user bob ssh host ls %(x)s', /by ssh/],
  ['nsenter -t 1 -m ssh host %(x)s', /by ssh/],
  ['sshpass -f key ssh host ls %(x)s', /by ssh/],
  ['systemd-run -u name eval %(x)s', /by eval/],
  ['make TARGET=%(x)s', /by make/],
  ['scp file host:%(x)s', /by scp/],
  ['rsync -a dir/ bob@host:"%(x)s"/', /by rsync/],
  ['sh $(echo %(x)s)', /choose what is run/],
  ['env $(echo %(x)s)', /choose what is run/],
  ['sh <(echo %(x)s)', /choose what is run/],
  ['bash <(printf "%s" %(x)s)', /choose what is run/],
  // Commands that do not stand at the beginning.
  ['function f { eval %(x)s; }', /by eval/],
  ['for i do eval %(x)s; done', /by eval/],
  ['select i do eval %(x)s; done', /by eval/],
  ['time -p eval %(x)s', /by eval/],
  ['a[0]=1 eval %(x)s', /by eval/],
  // Input that is code.
  ['echo %(x)s | tee >(sh)', /by sh/],
  ['echo %(x)s | ( sh )', /by sh/],
  ['echo %(x)s | ( cd /tmp; sh )', /by sh/],
  ['echo %(x)s | { cat; sh; }', /by sh/],
  ['echo %(x)s | if true; then sh; fi', /by sh/],
  ['echo %(x)s | while true; do sh; done', /by sh/],
  ['echo %(x)s | $SHELL', /by a shell/],
  ['echo %(x)s | python3', /by python3/],
  ['echo %(x)s | perl -', /by perl/],
  ['echo %(x)s | ed file', /by ed/],
  // Names that bash evaluates.
  ['[ %(x)s %(y)s ]', /by \[/],
  ['test ! %(x)s %(y)s', /by test/],
  ['printf %(x)s a', /by printf/],
  ['printf "%(x)s\\n" a', /by printf/],
  ['a=([b[0]+%(x)s]=1)', /subscript/],
  ['a=(["]"%(x)s]=1)', /subscript/],
  ['a["0+b[0]"%(x)s]=1', /subscript/],
  ['a[b[0]+%(x)s]=1', /subscript/],
  ['a[0]=%(x)s', /choose what is run/],
  ['RANDOM=%(x)s', /choose what is run/],
  ['BASH_CMDS[ls]=%(x)s', /choose what is run/],
  ['LESSOPEN=%(safe)s less file', /choose what is run/],
  ['GIT_SSH_COMMAND=%(safe)s git pull', /choose what is run/],
  ['tar --to-command=%(safe)s -xf a.tar', /choose what is run/],
  ['tar cf a.tar --checkpoint-action=exec=%(safe)s .', /choose what is run/],
  ['git -c core.sshCommand=%(safe)s fetch', /choose what is run/],
  ['ssh -o ProxyCommand=%(safe)s host ls', /choose what is run/],
  // Programs in other languages.
  [`awk '{print "%(x)s"}' file`, /program for awk/],
  ['awk %(x)s file', /program for awk/],
  [`gawk -v a=1 -e '{print "%(x)s"}'`, /program for gawk/],
  [`sed 's/a/%(x)s/' file`, /program for sed/],
  ['sed -n -e p -e %(x)s file', /program for sed/],
  ['sed -ne "%(x)s"', /program for sed/],
  ['sed --expression="%(x)s"', /program for sed/],
  [`perl -ne 'print "%(x)s"'`, /program for perl/],
  ['perl -M%(x)s -e 1', /program for perl/],
  ['perl -e "-%(x)s"', /program for perl/],
  ['ruby -ropen-uri -e "%(x)s"', /program for ruby/],
  [`python3 -c 'print("%(x)s")'`, /program for python3/],
  [`/usr/bin/python3 -Ic 'print("%(x)s")'`, /program for python3/],
  ['python3 -m %(x)s', /choose what is run/],
  ['python3 %(safe)s.py', /choose what is run/],
  [`node --eval='"%(x)s"'`, /program for node/],
  [`php -r 'echo "%(x)s";'`, /program for php/],
  [`psql -tAc "select '%(x)s'" db`, /program for psql/],
  [`psql db --command="select '%(x)s'"`, /program for psql/],
  [`mysql -e "select '%(x)s'"`, /program for mysql/],
  [`sqlite3 my.db "select '%(x)s'"`, /program for sqlite3/],
  [`timeout 5 awk '{print "%(x)s"}'`, /program for awk/],
]

test('a value is refused wherever a command would make code of it', (t) => {
  for (const [text, message] of REFUSED) {
    const result = rewriteShell(text, trustOf)
    t.is(result.kind, 'refused', text)
    if (result.kind === 'refused') t.regex(result.message, message, text)
  }
})

/** Commands that look alike, and only get data; or values that can hurt nowhere. */
const DATA = [
  "awk -v a=%(x)s '{ print a }' %(x)s",
  "awk -F %(x)s '{ print $1 }' file",
  'awk -f program.awk %(x)s',
  `awk '{ print "%(safe)s" }'`,
  "sed -n 's/a/b/p' %(x)s",
  'sed -f script.sed %(x)s',
  'sed -i.bak "s/a/b/" %(x)s',
  `sed 's/a/%(fixed)s/'`,
  "perl -ne 'print' %(x)s",
  'perl script.pl %(x)s',
  'python3 script.py %(x)s',
  'python3 -m http.server -d %(x)s',
  `python3 -c 'import sys; print(sys.argv[1])' %(x)s`,
  "node -e 'console.log(process.argv[1])' -- %(x)s",
  'echo %(x)s | python3 script.py',
  `echo %(x)s | python3 -c 'import sys; sys.stdin.read()'`,
  'psql -v a=%(x)s -f file.sql',
  'psql -c "select 1" -v a=%(x)s',
  `sqlite3 %(x)s 'select 1'`,
  "printf '%s' %(x)s",
  'printf "a %(x)s"',
  '[ -n %(x)s ] && [ %(x)s != a ] && test %(x)s = %(y)s',
  '[ $a = %(x)s ]',
  'scp %(x)s host:file',
  'rsync -a %(x)s /a/b:c',
  'a=(1 [2]=%(x)s %(x)s)',
  'ls f[0-9]%(x)s a[b]%(x)s',
  'echo %(x)s | { cat; tee log; }',
  'echo %(x)s | while read -r line; do echo "$line"; done',
  'function f { echo %(x)s; }',
  'for i do echo %(x)s; done',
  'sudo --user bob ls %(x)s',
  'make TARGET=%(safe)s',
  'RANDOM=%(fixed)s',
  'ENV=%(safe)s ./deploy %(x)s',
]

test('what only looks like code is let through', (t) => {
  for (const text of DATA) {
    const result = rewriteShell(text, trustOf)
    t.is(result.kind, 'rewritten', `${text}: ${result.kind === 'refused' ? result.message : ''}`)
  }
})

/** The same for commands without a shell: the argument list as YAML, and what is said about it. */
const LISTS: readonly (readonly [string, RegExp])[] = [
  ['[sh, -c, "ls %(x)s"]', /a\.yaml:3:\d+: error: the value of x would be parsed again by sh -c/],
  ['[/usr/bin/env, bash, -c, "%(x)s"]', /parsed again by bash -c/],
  ['[sudo, sh, -c, "ls %(x)s"]', /parsed again by sh -c/],
  ['[nohup, sh, -c, "ls %(x)s"]', /parsed again by sh -c/],
  ['[xargs, sh, -c, "%(x)s"]', /parsed again by sh -c/],
  ['[timeout, "5", sh, -c, "ls %(x)s"]', /parsed again by sh -c/],
  ['[parallel, ls, "%(x)s"]', /parsed again by parallel/],
  ['[watch, ls, "%(x)s"]', /parsed again by watch/],
  ['[ssh, host, "ls %(x)s"]', /parsed again by ssh/],
  ['[env, -S, "ls %(x)s"]', /parsed again by env/],
  ['[su, bob, -c, "ls %(x)s"]', /parsed again by su/],
  ['[find, ., -exec, sh, -c, "%(x)s", ;]', /parsed again by sh -c/],
  ['[make, "A=%(x)s"]', /parsed again by make/],
  [`[awk, '{print "%(x)s"}']`, /program for awk/],
  ['[sed, "s/a/%(x)s/"]', /program for sed/],
  [`[perl, -e, 'print "%(x)s"']`, /program for perl/],
  [`[python3, -c, 'print("%(x)s")']`, /program for python3/],
  ['["%(x)s", a]', /choose what is run/],
  ['[sudo, "%(x)s"]', /choose what is run/],
  ['[sh, "%(x)s"]', /choose what is run/],
  ['[env, "PATH=%(x)s", ls]', /choose what is run/],
  ['[scp, file, "host:%(x)s"]', /parsed again by scp/],
]

test('lists of arguments are held to the same rules', (t) => {
  for (const [list, message] of LISTS) {
    const said = shown(parse(`jobs:\n  a:\n    command: ${list}\n    params: {x: {type: text}}\n`))
    t.regex(said.join('\n'), message, list)
    const fixed = parse(`jobs:\n  a:\n    command: ${list}\n    params: {x: {type: int}}\n`)
    t.is(fixed.kind, 'loaded', list)
  }
})

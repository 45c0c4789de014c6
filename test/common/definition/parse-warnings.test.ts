import test from 'ava'
import { parse, shown } from './parsing.ts'

test('an empty file is doubtful, not wrong', (t) => {
  t.deepEqual(shown(parse('')), [
    'a.yaml:1:1: warning: the file defines nothing (add jobs, or remove it)',
  ])
  t.is(parse('# only a comment').kind, 'loaded')
})

test('next steps and members that nobody defines are doubtful', (t) => {
  const text =
    'jobs:\n  import_all:\n    command: x\n    on_success: [import_al, mail]\nsemaphores:\n  s: {wait_for: [import_all, other], then: import_all}'
  t.deepEqual(
    shown(parse(text)).filter((line) => !line.includes('circle')),
    [
      'a.yaml:4:5: warning: on_success names import_al, which is not in these files (did you mean import_all?)',
      'a.yaml:4:5: warning: on_success names mail, which is not in these files (fine if another host defines it)',
      'a.yaml:6:7: warning: wait_for names other, which is not in these files (fine if another host defines it)',
    ],
  )
  t.deepEqual(shown(parse('jobs: {a: {command: x, on_success: b}}', 'jobs: {b: {command: x}}')), [])
})

function circle(line: string): string | undefined {
  return line.split('circle: ')[1]?.split(' (')[0]
}

test('circles are doubtful, whatever draws them', (t) => {
  const steps =
    'jobs: {a: {command: x, on_success: b}, b: {command: x, on_failure: [c, {job: a}]}, c: {command: x, on_each_failure: c}}'
  t.deepEqual(shown(parse(steps)).map(circle), ['c -> c', 'a -> b -> a'])
  const gate =
    'jobs: {a: {command: x}, b: {command: x, on_success: a}}\nsemaphores: {s: {wait_for: [a], then: b}}'
  t.deepEqual(shown(parse(gate)).map(circle), ['b -> a -> b'])
})

function warns(command: string, more = ''): boolean {
  const lines = command.split('\n').map((line) => `      ${line}\n`)
  return shown(parse(`jobs:\n  a:\n    command: |\n${lines.join('')}${more}`)).length > 0
}

test('a command of several lines without set -e is doubtful', (t) => {
  t.true(warns('a\nb'))
  t.false(warns('a'))
  t.false(warns('# why\na'))
  t.false(warns('set -e\na\nb'))
  t.false(warns('set -euo pipefail\na\nb'))
  t.false(warns('set -o errexit\na\nb'))
  t.false(warns('a \\\n  b'))
  t.false(warns('a &&\nb'))
  t.false(warns('a\nb', '    shell: [bash, -euo, pipefail, -c]\n'))
  t.false(warns('a\nb', '    shell: [sh, -ec]\n'))
})

test('a name that is near a declared one is doubtful', (t) => {
  const text = 'jobs:\n  a:\n    command: echo %(dats)s\n    params: {date: }'
  t.deepEqual(shown(parse(text)), [
    'a.yaml:3:5: warning: dats is not declared (did you mean date?)',
  ])
})

test('keys that mean nothing together are doubtful', (t) => {
  t.is(shown(parse('jobs: {a: {command: x, deliver: one, offline: skip, require: all}}')).length, 2)
  t.is(shown(parse('defaults: {require: all}\njobs: {a: {command: x, deliver: one}}')).length, 0)
  t.is(shown(parse('jobs: {a: {command: [x], shell: [sh, -c]}}')).length, 1)
  t.is(shown(parse('jobs: {a: {command: x, env: {A: "%(x)s"}}}')).length, 1)
  t.is(
    shown(
      parse('jobs: {a: {command: x}}\nsemaphores: {s: {wait_for: [a], then: a, on_timeout: a}}'),
    ).filter((line) => line.includes('timeout')).length,
    1,
  )
})

test('what only looks like a placeholder is doubtful', (t) => {
  for (const text of ['echo "%(date)"', 'echo "%( date )s"', 'echo "%(date)x"']) {
    t.is(shown(parse(`jobs: {a: {command: '${text}'}}`)).length, 1, text)
  }
  for (const text of [
    'echo "%(date)s" %(n)s',
    'echo "%%(date)"',
    'date "+%Y (x)"',
    'printf "%(%F)T"',
  ]) {
    t.is(shown(parse(`jobs: {a: {command: '${text}'}}`)).length, 0, text)
  }
})

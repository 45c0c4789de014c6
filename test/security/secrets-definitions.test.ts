/** What `jobz validate` says of a secret in a place where it would come to light. */
import test from 'ava'
import { parse, shown } from '../common/definition/parsing.ts'

const warnings = (command: string): string[] => {
  const loaded = parse(
    `jobs:\n  a:\n    params: {token: {type: text, secret: true}, day: {type: date}}\n    command: ${command}\n`,
  )
  if (loaded.kind === 'refused') throw new Error(shown(loaded).join('\n'))
  return shown(loaded).filter((line) => line.includes('is secret'))
}

/** Each with the columns of what is warned of. */
const COMMANDS: readonly (readonly [string, readonly number[]])[] = [
  ['curl -H %(token)s x', [22]],
  ['curl -H "Auth %(token)s" %(day)s', [28]],
  ['/usr/bin/printf %s %(token)s', [33]],
  ['exec curl %(token)s', [24]],
  ['env TOKEN=%(token)s run', [24]],
  ['command curl %(token)s', [27]],
  ['printf %s %(token)s | curl %(token)s', [41]],
  ['if curl %(token)s; then echo; fi', [22]],
  ['x=$(curl %(token)s)', [23]],
  ['curl "$(printf %s %(token)s)"', [32]],
  ['printf %s %(token)s | run', []],
  ['echo %(token)s > f', []],
  ['command printf %s %(token)s', []],
  ['TOKEN=%(token)s run', []],
  ['export TOKEN=%(token)s; run', []],
  ['x=%(token)s', []],
  ['run < f-%(token)s', []],
  ['test -n %(token)s && run', []],
  ['"[ -n %(token)s ] && run"', []],
  ['case %(token)s in a) run ;; esac', []],
  ['for x in %(token)s; do run; done', []],
  ['run "$JOBZ_P_token"', []],
  ['curl %(day)s', []],
]

test('a secret that becomes an argument of a program is warned of', (t) => {
  for (const [command, columns] of COMMANDS) {
    const found = warnings(command).map((line) => Number(line.split(':')[2]))
    t.deepEqual(found, [...columns], command)
  }
  t.deepEqual(warnings("[curl, '%(token)s', '%(day)s', 'x%(token)s']").length, 2)
  t.deepEqual(
    warnings('run %(token)s')[0],
    'a.yaml:4:18: warning: token is secret, and as an argument everybody on the host can see it (let the command read $JOBZ_P_token, or its standard input: printf %s %(token)s | …)',
  )
})

/** `login` declares it; the others only get it. */
const OTHERS: readonly (readonly [string, string | null])[] = [
  ["jobs: {b: {command: x, concurrency: {limit: 1, key: '%(token)s'}}}", 'error: token is secret'],
  ["jobs: {b: {command: x, concurrency: {limit: 1, key: '%(day)s'}}}", null],
  ["jobs: {b: {command: x, topic: '%(token)s'}}", 'error: '],
  ["jobs: {b: {command: x, lane: '%(token)s'}}", 'error: '],
  [
    'jobs: {b: {command: x, on_success: {job: b, each: {token: [a, b]}}}}',
    'error: token is secret',
  ],
  [
    "jobs: {b: {command: x, on_failure: [{job: b, each: {part: ['%(token)s']}}]}}",
    'error: token is secret, and each is shown',
  ],
  [
    "jobs: {b: {command: x, on_success: {job: b, params: {password: '%(token)s'}}}}",
    'warning: the value of token, which is secret, is handed on as password, which is not',
  ],
  ["jobs: {b: {command: x, on_success: {job: b, params: {token: '%(token)s!'}}}}", null],
  ["semaphores: {s: {wait_for: [login], then: login, key: '%(token)s'}}", 'error: token is secret'],
  [
    "semaphores: {s: {wait_for: [{job: login, count: 2, distinct: '%(token)s'}], then: login}}",
    'error: token is secret',
  ],
  ["semaphores: {s: {wait_for: [login], then: login, key: '%(day)s'}}", null],
]

test('a key, a list or another name for what any of the files says to be secret is refused or warned of', (t) => {
  const login = 'jobs: {login: {command: x, params: {token: {secret: true}}}}'
  for (const [text, expected] of OTHERS) {
    const loaded = parse(login, text)
    const lines = shown(loaded).filter((line) => /secret|error/.test(line))
    if (expected === null) t.deepEqual(lines, [], text)
    else
      t.true(
        lines.some((line) => line.includes(expected)),
        `${text}\n${lines.join('\n')}`,
      )
    t.is(loaded.kind, expected?.startsWith('error') ? 'refused' : 'loaded', text)
  }
})

test('a default that its own rule refuses is not shown when it is secret', (t) => {
  const text = 'jobs: {a: {command: x, params: {pin: {type: int, secret: true, default: hunter2}}}}'
  const lines = shown(parse(text))
  t.regex(lines.join('\n'), /error: the value \(secret, not shown\) is not an integer/)
  t.notRegex(lines.join('\n'), /hunter2/)
})

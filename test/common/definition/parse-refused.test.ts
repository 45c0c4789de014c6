import test from 'ava'
import * as fc from 'fast-check'
import { parse, shown } from './parsing.ts'

/** What is wrong in the definition of job `a`, and what is said about it. The first line is line 3, column 5. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['comand: x', 'a.yaml:3:5: error: unknown key "comand" (did you mean command?)'],
  [
    'command: x\nschedule: daily',
    'a.yaml:4:5: error: schedule is reserved for a later version and does nothing yet, so it is refused (leave it out)',
  ],
  ['command: x\nrollout: 1', 'a.yaml:4:5: error: rollout is reserved'],
  ['command: x\nuser: 33', 'a.yaml:4:11: error: user must be the name of a user'],
  ['command: x\nuser: "#33"', 'a.yaml:4:11: error: user must be the name of a user'],
  ['command: x\nuser: -u', 'a.yaml:4:11: error: user must be the name of a user'],
  [
    'command: x\nuser: self',
    'error: user must be the name of a user: without it, the worker’s own',
  ],
  [
    'command: x\nlimits: {memory: lots}',
    'a.yaml:4:22: error: memory must be a size of 4 MiB or more, such as 512 MiB',
  ],
  ['command: x\nlimits: {memory: 1024}', 'error: memory must be a size of 4 MiB or more'],
  ['command: x\nlimits: {tasks: 0}', 'error: tasks must be a whole number from 1 to 4194304'],
  ['command: x\nlimits: {files: 3}', 'error: files must be a whole number from 16 to 1048576'],
  [
    'command: x\nlimits: {file: 64}',
    'a.yaml:4:14: error: unknown key "file" (did you mean files?)',
  ],
  ['topic: x', 'a.yaml:2:3: error: command is missing in a'],
  ['command: []', 'a.yaml:3:14: error: command must not be empty'],
  ['command: ""', 'error: command'],
  [
    'command: {a: b}',
    'a.yaml:3:14: error: command must be text for the shell, or a list of arguments',
  ],
  ['command: x\ntopic: "%(x)s"', 'a.yaml:4:12: error: topic is no name'],
  ['command: x\ndeliver: some', 'a.yaml:4:14: error: deliver must be one of all, one'],
  ['command: x\noffline: wait', 'error: offline must be skip, or wait and a duration'],
  ['command: x\nrequire: 0', 'error: require must be'],
  ['command: x\ntimeout: soon', 'a.yaml:4:14: error: timeout must be a duration'],
  ['command: x\ntimeout: -5', 'error: timeout must be a duration'],
  [
    'command: x\nretries: {limt: 3}',
    'a.yaml:4:15: error: unknown key "limt" (did you mean limit?)',
  ],
  [
    'command: x\nretries: {limit: 3, exit_codes: [0]}',
    'error: item 1 of exit_codes must be a whole number from 1 to 255',
  ],
  ['command: x\nretries: -1', 'error: retries must be'],
  [
    'command: x\npriority: 4294967296',
    'error: priority must be a whole number from 0 to 4294967295',
  ],
  ['command: x\npriority: 1.5', 'error: priority must be a whole number'],
  ['command: x\nconcurrency: 3', 'error: concurrency must be a mapping of keys'],
  ['command: x\nconcurrency: {per: worker}', 'error: limit is missing in concurrency'],
  ['command: x\noutput_limit: 10 MB', 'error: output_limit must be a size'],
  ['command: x\nparams_only: yes', 'error: params_only must be true or false'],
  ['command: x\non_success: {jb: b}', 'unknown key "jb"'],
  ['command: x\non_success: ../b', 'error: on_success is no name'],
  ['command: x\non_success: {job: b, params: {wait: 1}}', 'wait is reserved for triggers'],
  ['command: x\non_success: {job: b, params: {__proto__: 1}}', '__proto__ is no name for anything'],
  [
    'command: x\non_success: {job: b, params: {r: 1}, each: {r: [1]}}',
    'r is in params and in each',
  ],
  [
    `command: x\non_success: {job: b, each: {r: [${'1,'.repeat(200)}], s: [${'1,'.repeat(200)}]}}`,
    'each makes 40000 combinations',
  ],
  ['command: x\nparams: {run_id: }', 'run_id is built in'],
  ['command: x\nparams: {"a b": }', '"a b" is no name for a parameter'],
  [
    'command: x\nparams: {a: {type: word}}',
    'type must be one of safe, text, int, date, enum, path',
  ],
  ['command: x\nparams: {a: {type: enum}}', 'an enum needs values'],
  ['command: x\nparams: {a: {values: [b]}}', 'values are for enum'],
  ['command: x\nparams: {a: {type: enum, values: [-b]}}', 'begins with -'],
  ['command: x\nparams: {a: {format: "%Y"}}', 'format is for date'],
  ['command: x\nparams: {a: {type: date, format: "%Y"}}', 'a date format needs a year'],
  ['command: x\nparams: {a: {type: date, zone: Nowhere}}', 'no time zone is named Nowhere'],
  ['command: x\nparams: {a: {type: date, default: 2026-02-30}}', '"2026-02-30" is not a day'],
  ['command: x\nparams: {a: {type: int, default: 1x}}', '"1x" is not an integer'],
  ['command: x\nparams: {a: {pattern: "(a)\\\\1"}}', 'the pattern is not understood'],
  ['command: x\nenv: {JOBZ_A: 1}', 'JOBZ_A: variables that begin with JOBZ_ are set by jobz'],
  ['command: x\nenv: {a b: 1}', '"a b" is no name for a variable'],
  ['command: x\nenv: {a: [1]}', 'a must be a single value'],
  [
    'command: echo `%(x)s`',
    "a.yaml:3:20: error: a placeholder can't stand inside backticks (use $( ) instead)",
  ],
  ['command: "echo `%(x)s`"', 'a.yaml:3:21: error:'],
  ['command: |\n  set -e\n  echo `%(x)s`', 'a.yaml:5:13: error:'],
  ['command: sh -c "%(x)s"', 'would be parsed again by sh -c'],
  [
    'command: [sh, -c, "echo %(x)s"]',
    'a.yaml:3:23: error: the value of x would be parsed again by sh -c',
  ],
  ['command: ["%(x)s"]', 'would choose what is run'],
  ['command: echo %(n)d', '%(n)d needs an integer'],
  ['command: echo %(wait)s', 'wait is reserved for triggers and has no value here'],
  [
    'command: echo %(dats)s\nparams_only: true\nparams: {date: }',
    'dats is not declared, and params_only refuses it (did you mean date?)',
  ],
  [
    'command: print %(x)s\nshell: [python3, -c]',
    'placeholders are for sh, dash and bash, and the shell is python3',
  ],
  ['command: "a\\0b"', 'NUL'],
  ['command: x\ncommand: y', 'a.yaml:4:5: error: the key command is given twice'],
  ['command: &c x\ntopic: *c', 'anchors are not read'],
  ['command: !!str x', 'tags are not read'],
  ['command: a: b', 'a text with ": " in it needs quotes'],
  ['command: %(x)s', 'put the text in quotes'],
]

test('what is wrong is refused, with its place and what to do', (t) => {
  for (const [lines, expected] of REFUSED) {
    const loaded = parse(
      `jobs:\n  a:\n${lines
        .split('\n')
        .map((line) => `    ${line}\n`)
        .join('')}`,
    )
    t.is(loaded.kind, 'refused', lines)
    t.true(
      shown(loaded).some((line) => line.includes(expected)),
      `${lines}\n${shown(loaded).join('\n')}`,
    )
  }
})

test('everything that is wrong is told at once, in the order of the file', (t) => {
  const lines = shown(
    parse('jobs:\n  a: {comand: x}\n  b: {command: x, lan: y}\nthings: 1', 'jobs: [a]'),
  )
  t.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['a.yaml:2:3:', 'a.yaml:2:7:', 'a.yaml:3:19:', 'a.yaml:4:1:', 'b.yaml:1:7:'],
  )
})

const WRONG_FILES = [
  '[1]',
  'text',
  'jobs: [a]',
  'jobs: {a: }',
  'jobs: {../x: {command: x}}',
  'jobs: {__proto__: {command: x}}',
  `jobs: {${'x'.repeat(300)}: {command: x}}`,
  'jobs: {a: {command: x}}\n---\njobs: {}',
  '%YAML 1.1\n---\njobs: {}',
  'jobs:\n\ta: 1',
  '? [a]\n: b',
  '<<: {jobs: {}}',
  'jobs: {a',
  `# ${'x'.repeat(262_144)}`,
  '['.repeat(200_000),
  '- '.repeat(100_000),
  '? '.repeat(100_000),
  `${'{a: '.repeat(50)}1${'}'.repeat(50)}`,
  Array.from({ length: 40 }, (_, level) => `${' '.repeat(level)}a:\n`).join(''),
  Array.from(
    { length: 20 },
    (_, level) => `${'  '.repeat(level)}a:\n${'  '.repeat(level)}- b:\n`,
  ).join(''),
]

test('files of the wrong form, size or depth are refused', (t) => {
  for (const text of WRONG_FILES) t.is(parse(text).kind, 'refused', text.slice(0, 60))
})

test('no text at all makes the parser throw', (t) => {
  const pieces = [
    'jobs:',
    'a:',
    'command:',
    ' ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '? ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '&a ',
    '*a',
    '!t ',
    '"',
    "'",
    '|',
    '>',
    '%',
    '#',
    '---',
    '...',
    'x',
    '1',
    '%(x)s',
    '`',
    '$(',
    '\t',
    '\0',
    '\ud800',
    ':',
  ]
  const text = fc
    .array(fc.constantFrom(...pieces), { maxLength: 30 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (one) => ['loaded', 'refused'].includes(parse(one).kind)),
    { numRuns: 2000 },
  )
  t.pass()
})

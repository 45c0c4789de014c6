/** The checker finds what it is there for: each made-up history breaks one promise, and the whole one breaks none. */
import test from 'ava'
import type { RunView } from '../../../common/protocol/answers.ts'
import { check } from './check.ts'
import { parseLine } from './history.ts'
import { lines, type Made, ran, run, task, whole } from './made-up.ts'

const set = (made: Made, run_id: string, more: Partial<RunView>): void => {
  const known = made.runs.get(run_id)
  if (!known) throw new Error(`there is no ${run_id}`)
  made.runs.set(run_id, { ...known, ...more })
}
const dropLines = (made: Made, start: string): void => {
  made.lines = made.lines.filter(({ what, run_id }) => !`${what} ${run_id} `.startsWith(start))
}
const answer = (made: Made, place: number, more: object): void => {
  const request = made.requests[place]
  request?.answers.push({ status: 202, run_id: null, final_state: null, ...more })
}

const BROKEN: readonly (readonly [what: string, found: RegExp, breakIt: (made: Made) => void])[] = [
  [
    'an accepted run is gone',
    /^lost: once under r3: there is no run/,
    (made) => made.runs.delete('o'),
  ],
  [
    'a trigger was never answered',
    /^hanging: once under r3 was never/,
    (made) => made.requests[2]?.answers.pop(),
  ],
  [
    'one request_id was answered with two runs',
    /^doubled: once under r3 was answered o, f/,
    (made) => answer(made, 2, { run_id: 'f' }),
  ],
  [
    'one request_id is two runs',
    /^doubled: once under r3 is 2 runs/,
    (made) => made.runs.set('o2', run('o2', 'once', { params: { tag: 'r3' } })),
  ],
  [
    'a good request was refused',
    /^wrong: once under r3 was refused/,
    (made) => answer(made, 2, { status: 404 }),
  ],
  [
    'an outcome that was told has changed',
    /^wrong: once o was failed, and is/,
    (made) => answer(made, 2, { run_id: 'o', final_state: 'failed' }),
  ],
  [
    'a run is not over',
    /^hanging: third h is running/,
    (made) => set(made, 'h', { state: 'running' }),
  ],
  [
    'a run succeeded and its command never ended',
    /^lost: third h .* its command said null/,
    (made) => dropLines(made, 'end h '),
  ],
  [
    'a run succeeded and its command never began',
    /^lost: third h .* its command said null/,
    (made) => dropLines(made, 'begin h '),
  ],
  [
    'a run succeeded and its command failed',
    /^lost: once o .* its command said 1/,
    (made) => {
      dropLines(made, 'end o ')
      made.lines.push(...lines('end o 1 web1 1'))
    },
  ],
  [
    'a run failed with another code than its command',
    /^wrong: broken b ended with 3, its command said 4/,
    (made) => {
      dropLines(made, 'end b ')
      made.lines.push(...lines('end b 1 web1 4'))
    },
  ],
  [
    'a run succeeded with a task that failed',
    /^wrong: third h succeeded with 1 bad/,
    (made) => set(made, 'h', { tasks: [task('h'), task('h', { state: 'lost', attempt: 2 })] }),
  ],
  [
    'an attempt began twice',
    /^doubled: attempt h web1 1 began 2/,
    (made) => made.lines.push(...ran('h')),
  ],
  [
    'what must run at most once began on two workers',
    /^doubled: once o began 2/,
    (made) => {
      set(made, 'o', { tasks: [task('o', { attempt: 2 })] })
      made.lines.push(...ran('o', 0, 2))
    },
  ],
  [
    'something ran that nobody knows',
    /^lost: x web1 1 ran/,
    (made) => made.lines.push(...ran('x')),
  ],
  [
    'an attempt ran that nobody gave',
    /^wrong: third h: nothing is known of attempt/,
    (made) => made.lines.push(...ran('h', 0, 2)),
  ],
  [
    'a next step is missing',
    /^lost: second g .* led to 0 runs of third/,
    (made) => made.runs.delete('h'),
  ],
  [
    'a next step came twice',
    /^doubled: second g .* led to 2 runs of third/,
    (made) => made.runs.set('h2', run('h2', 'third', { parent_run_id: 'g' })),
  ],
  [
    'a failure without its handler',
    /^lost: broken b2 .* led to 0 runs of tell/,
    (made) => made.runs.delete('t2'),
  ],
  [
    'a handler after a cancel',
    /^doubled: slow c .* led to 1 runs of tell/,
    (made) => made.runs.set('t3', run('t3', 'tell', { parent_run_id: 'c' })),
  ],
  [
    'a next step began before its parent ended',
    /^wrong: second g began before/,
    (made) => {
      dropLines(made, 'begin g ')
      made.lines.unshift(...lines('begin g 1 web1'))
    },
  ],
  ['a gate did not open', /^lost: join for k was never/, (made) => made.runs.delete('j')],
  [
    'a gate opened twice',
    /^doubled: join for k was started 2/,
    (made) => made.runs.set('j2', run('j2', 'join', { context: { gate_key: 'k' } })),
  ],
  [
    'a gate opened with a member missing',
    /^wrong: join for k .* members missing/,
    (made) => set(made, 'part3', { state: 'failed', tasks: [] }),
  ],
  [
    'a gate opened before a member ended',
    /^wrong: join for k began before/,
    (made) => {
      dropLines(made, 'end part3 ')
      made.lines.push(...lines('end part3 1 web1 0'))
    },
  ],
  [
    'a cancel that was promised did not hold',
    /^wrong: slow c was canceled, and is/,
    (made) => {
      set(made, 'c', { state: 'succeeded', tasks: [task('c')] })
      made.lines.push(...ran('c'))
    },
  ],
  [
    'a run was canceled by nobody',
    /^wrong: slow c: nobody asked/,
    (made) => (made.acts = made.acts.slice(1)),
  ],
  [
    'a retry that was promised is not there',
    /^lost: 1 retries of b made 0/,
    (made) => made.runs.delete('b2'),
  ],
  [
    'one retry made two runs',
    /^doubled: 1 retries of b made 2/,
    (made) => made.runs.set('b3', run('b3', 'broken', { parent_run_id: 'b', retry_of: 'b' })),
  ],
  [
    'a retry by nobody',
    /^wrong: nobody asked for the retry o3/,
    (made) => made.runs.set('o3', run('o3', 'once', { parent_run_id: 'o', retry_of: 'o' })),
  ],
  [
    'a command was killed by nobody',
    /^wrong: 1 attempts were killed, by 0/,
    (made) =>
      set(made, 'b', {
        tasks: [task('b', { state: 'failed', exit_code: null, reason: 'killed' })],
      }),
  ],
]

test('a history in which everything is right breaks nothing', (t) => {
  t.deepEqual(check(whole()), [])
})

for (const [what, pattern, breakIt] of BROKEN)
  test(`found: ${what}`, (t) => {
    const made = whole()
    breakIt(made)
    const found = check(made).map(({ kind, message }) => `${kind}: ${message}`)
    t.true(
      found.some((one) => pattern.test(one)),
      found.join('\n'),
    )
  })

test('half a line is no line', (t) => {
  t.is(parseLine('begin r'), null)
  t.is(parseLine('begin r 1 web1 0'), null)
  t.is(parseLine('end r 1 web1'), null)
  t.deepEqual(parseLine('end r 2 web1 75'), {
    what: 'end',
    run_id: 'r',
    attempt: 2,
    worker: 'web1',
    code: 75,
  })
})

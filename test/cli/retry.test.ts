/** Retrying what failed, many at a time: the list that `jobz runs` makes is what `jobz retry -` takes. */
import test from 'ava'
import type { RetryAnswer } from '../../common/protocol/answers.ts'
import type { Asked, Routes } from './fake-frontend.ts'
import { ask } from './run.ts'
import { RUN_ID, runView } from './views.ts'

const idOf = (n: number): string => RUN_ID.slice(0, -8) + String(n).padStart(8, '0')

const retried = (n: number): RetryAnswer => ({
  run_id: `again-${n}`,
  flow_id: idOf(n),
  retry_of: idOf(n),
  state: 'queued',
})
const refused = (code: string, message: string) => ({ error: { code, message, hint: null } })

/** Answers as the frontend does, by what each id ends with: 9 was retried before, 8 has not failed. */
const RETRY: Routes = {
  'POST /api/runs/retry': (response, { body }: Asked) => {
    const answers = (body as string[]).map((id) =>
      id.endsWith('9')
        ? refused('already_retried', 'it was retried before')
        : id.endsWith('8')
          ? refused('not_failed', 'it is running')
          : retried(Number(id.slice(-8))),
    )
    response.writeHead(202, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answers))
  },
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

test('- retries the runs of standard input, a thousand to a request', async (t) => {
  const ids = Array.from({ length: 2_400 }, (_, n) => idOf(n * 10))
  const input = `${ids.join('\n')}\n\n  ${ids[0]}\r\n`
  const { code, out, err, asked } = await ask(t, ['retry', '-', '--on', 'web1'], RETRY, { input })
  t.is(code, 0)
  t.is(lines(out).length, 2_400)
  t.is(lines(out)[1], 'again-10')
  t.is(err, '2400 of 2400 retried\n')
  t.deepEqual(
    asked.map(({ body }) => (body as string[]).length),
    [1_000, 1_000, 400],
  )
  t.is(asked[0]?.query.get('worker'), 'web1')
})

test('what was retried before is left out, which is no failure', async (t) => {
  const { code, out, err } = await ask(t, ['retry', '-'], RETRY, { input: `${idOf(1)} ${idOf(9)}` })
  t.deepEqual([code, out, err], [0, 'again-1\n', '1 of 2 retried, 1 had a retry before\n'])
})

test('what is refused is named, and the exit code says so', async (t) => {
  const input = [idOf(1), idOf(8), idOf(18)].join('\n')
  const { code, out, err } = await ask(t, ['retry', '-'], RETRY, { input })
  t.is(code, 4)
  t.is(out, 'again-1\n')
  t.deepEqual(lines(err), [
    `${idOf(8)}: it is running`,
    `${idOf(18)}: it is running`,
    '1 of 3 retried, 2 refused',
  ])
})

test('nothing on standard input is nothing to do', async (t) => {
  const { code, out, err, asked } = await ask(t, ['retry', '-'], RETRY)
  t.deepEqual([code, out, err, asked.length], [0, '', '0 of 0 retried\n', 0])
})

test('--json is the answers', async (t) => {
  const { out } = await ask(t, ['retry', '-', '--json'], RETRY, { input: `${idOf(1)}\n${idOf(9)}` })
  const answers = JSON.parse(out) as RetryAnswer[]
  t.deepEqual(answers[0], retried(1))
  t.like(answers[1], { error: { code: 'already_retried' } })
})

test('a frontend that goes away in between: what was retried is told, and the exit code is 3', async (t) => {
  const input = Array.from({ length: 1_001 }, (_, n) => idOf(n * 10)).join('\n')
  let times = 0
  const { code, out, err } = await ask(
    t,
    ['retry', '-'],
    {
      'POST /api/runs/retry': (response, { body }: Asked) => {
        times += 1
        if (times > 1) return void response.destroy()
        response.writeHead(202, { 'content-type': 'application/json' })
        response.end(JSON.stringify((body as string[]).map((_, n) => retried(n))))
      },
    },
    { input },
  )
  t.is(code, 3)
  t.is(lines(out).length, 1_000)
  t.regex(err, /^1000 of 1001 retried\njobz: cannot reach/)
})

test('- is no flow', async (t) => {
  const { code, err } = await ask(t, ['retry', '-', '--flow'], RETRY)
  t.is(code, 2)
  t.regex(err, /- takes runs, not flows/)
})

/** Three pages of runs, the middle one empty, as an answer may be. */
const PAGES: Routes = {
  'GET /api/runs': (response, { query }: Asked) => {
    const place = Number(query.get('before') ?? 0)
    const all = [[1, 2], [], [3]].map((page) => page.map((n) => runView({ run_id: idOf(n) })))
    const runs = (all[place] ?? []).slice(0, Number(query.get('limit')))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ runs, before: place < 2 ? String(place + 1) : null }))
  },
}

test('runs --ids prints the whole ids of all pages, and asks for those that nobody dealt with', async (t) => {
  const words = ['runs', '--unhandled', '--ids', '--job', 'dump']
  const { code, out, asked } = await ask(t, words, PAGES, { columns: 80 })
  t.is(code, 0)
  t.deepEqual(lines(out), [1, 2, 3].map(idOf))
  t.is(asked.length, 3)
  for (const { query } of asked)
    t.deepEqual([query.get('unhandled'), query.get('job')], ['1', 'dump'])
})

test('runs --ids --limit stops there', async (t) => {
  t.deepEqual(lines((await ask(t, ['runs', '--ids', '--limit', '1'], PAGES)).out), [idOf(1)])
  t.deepEqual(lines((await ask(t, ['runs', '--ids', '--limit', '0'], PAGES)).out), [])
})

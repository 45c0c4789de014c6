import test from 'ava'
import type { FromClient } from '../../common/protocol/client-door.ts'
import { refusal } from './fake-broker.ts'
import type { Script } from './fake-broker.ts'
import { withFrontend } from './with-frontend.ts'
import type { Answered, Fixture } from './with-frontend.ts'

const idOf = (n: number): string => `0190f5c2-7b1a-7000-8000-${n.toString(16).padStart(12, '0')}`

/** Answers each with a run of its own; those that end in 0 were retried before. */
const script: Script = (request) =>
  request.kind === 'retry'
    ? {
        result: (request.run_ids ?? []).map((run_id) =>
          run_id.endsWith('0')
            ? refusal(409, 'already_retried')
            : { run_id: `again-${run_id}`, flow_id: run_id, retry_of: run_id, state: 'queued' },
        ),
      }
    : { result: {} }

const post = ({ ask }: Fixture, body: unknown, query = ''): Promise<Answered> =>
  ask(`/api/runs/retry${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const listsIn = (seen: readonly FromClient[]): (readonly string[])[] =>
  seen.flatMap((request) => (request.kind === 'retry' ? [request.run_ids ?? []] : []))

test('each run has an answer in its place, those that no id can be too', async (t) => {
  const frontend = await withFrontend(t, script)
  const answer = await post(
    frontend,
    [idOf(1), 'short', idOf(16), 'x'.repeat(99), idOf(2)],
    '?worker=web3',
  )
  t.is(answer.status, 202)
  t.deepEqual(
    answer.json.map((item: any) => item.retry_of ?? item.error.code),
    [idOf(1), 'bad_request', 'already_retried', 'bad_request', idOf(2)],
  )
  t.like(frontend.broker.seen[0], { kind: 'retry', worker: 'web3' })
})

test('none retried is 200', async (t) => {
  const frontend = await withFrontend(t, script)
  const answer = await post(frontend, [idOf(16)])
  t.is(answer.status, 200)
  t.is(answer.json[0].error.code, 'already_retried')
  t.is((await post(frontend, ['short'])).status, 200)
})

test('10,000 go in requests of 1,000, and one more is too many', async (t) => {
  const frontend = await withFrontend(t, script)
  const many = Array.from({ length: 10_000 }, (_, n) => idOf(16 * n + 1))
  const answer = await post(frontend, many)
  t.is(answer.status, 202)
  t.deepEqual(
    answer.json.map((item: any) => item.retry_of),
    many,
  )
  t.deepEqual(
    listsIn(frontend.broker.seen).map((list) => list.length),
    Array(10).fill(1_000),
  )
  t.is((await post(frontend, [...many, idOf(1)])).status, 413)
})

test('a body that is no list of ids is refused, and a broker that does not answer is 503', async (t) => {
  const frontend = await withFrontend(t, () => 'drop', { patience_ms: 100 })
  for (const body of [[], {}, 'x', [1], [[idOf(1)]]]) t.is((await post(frontend, body)).status, 400)
  t.deepEqual(frontend.broker.seen, [])
  const answer = await post(frontend, [idOf(1)])
  t.is(answer.status, 503)
  t.is(listsIn(frontend.broker.seen).length, 1, 'it may have happened: it is not said twice')
})

test('the path of one run is still that run’s', async (t) => {
  const frontend = await withFrontend(t, () => ({ result: {} }))
  await frontend.ask(`/api/runs/${idOf(1)}/retry`, { method: 'POST' })
  t.like(frontend.broker.seen[0], { kind: 'retry', run_id: idOf(1) })
})

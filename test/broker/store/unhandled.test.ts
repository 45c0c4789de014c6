/** Which failed runs nobody has dealt with. */
import test from 'ava'
import type { Run } from '../../../broker/core/state.ts'
import type { RunState } from '../../../common/protocol/answers.ts'
import { listed, opened } from './opened-history.ts'
import { born, ended, idOf, sampleRun } from './samples.ts'

const handler = (n: number, of: number, state: RunState = 'succeeded'): Run => {
  const special = {
    via: 'failure',
    parent_run_id: idOf(of),
    flow_id: idOf(of),
    job: 'tell',
  } as const
  return state === 'running' ? sampleRun(n, { ...special, state }) : ended(n, state, special)
}
const retry = (n: number, of: number, state: RunState, root = of): Run =>
  ended(n, state, {
    via: 'retry',
    retry_of: idOf(of),
    parent_run_id: idOf(of),
    flow_id: idOf(root),
  })

const ids = (...ns: number[]): string[] => ns.map(idOf)

test('what failed or expired, and nothing else', async (t) => {
  const states = ['failed', 'expired', 'succeeded', 'canceled'] as const
  const runs = [...states.map((state, n) => ended(n + 1, state)), sampleRun(5)]
  const { history } = opened(t, born(runs))
  t.deepEqual(await listed(history, { unhandled: true }), ids(2, 1))
  t.deepEqual(await listed(history, { unhandled: true, state: 'failed' }), ids(1))
  t.deepEqual(await listed(history, { unhandled: true, state: 'running' }), [])
  t.deepEqual(await listed(history, { unhandled: true, flow: idOf(2) }), ids(2))
  t.deepEqual(await listed(history, { unhandled: true, job: 'export' }), [])
  t.deepEqual(await listed(history, { unhandled: false }), ids(5, 4, 3, 2, 1))
})

test('what was retried is the retry’s to tell', async (t) => {
  const { history } = opened(t, born([1, 2].map((n) => ended(n, 'failed'))))
  t.deepEqual(await listed(history, { unhandled: true }), ids(2, 1))
  const again = opened(
    t,
    born([1, 2].map((n) => ended(n, 'failed'))),
    born([retry(3, 1, 'succeeded'), retry(4, 2, 'failed')]),
  )
  t.deepEqual(await listed(again.history, { unhandled: true }), ids(4))
})

test('a handler deals with it when it has succeeded: every one of them, itself or by its retry', async (t) => {
  const failed = [1, 2, 3, 4, 5, 6].map((n) => ended(n, 'failed'))
  const handlers = [
    handler(11, 1),
    handler(12, 2, 'running'),
    handler(13, 3),
    handler(23, 3, 'failed'),
    handler(14, 4, 'failed'),
    handler(15, 5, 'failed'),
    handler(16, 6, 'canceled'),
  ]
  const retries = [
    retry(24, 14, 'failed', 4),
    retry(34, 24, 'succeeded', 4),
    retry(25, 15, 'failed', 5),
  ]
  const { history } = opened(t, born([...failed, ...handlers, ...retries]))
  // 25 and 23 are failed handlers that nobody has dealt with either.
  t.deepEqual(await listed(history, { unhandled: true }), ids(25, 23, 6, 5, 3, 2))
})

test('a page goes on where it ended, over many that were dealt with', async (t) => {
  const runs = Array.from({ length: 300 }, (_, n) => ended(n + 1, 'failed'))
  const retries = runs
    .filter((_, at) => at % 3 > 0)
    .map((run, at) => retry(at + 1000, run.sequence, 'succeeded'))
  const { history } = opened(t, born(runs), born(retries))
  const found = await listed(history, { unhandled: true, limit: 7 })
  t.is(found.length, 100)
  t.is(new Set(found).size, 100)
})

import test from 'ava'
import { outcomeOfFlow } from '../../../broker/core/flow-outcome.ts'
import type { FlowMember } from '../../../broker/core/flow-outcome.ts'

const run = (
  run_id: string,
  state: FlowMember['state'],
  special: Partial<FlowMember> = {},
): FlowMember => ({
  run_id,
  state,
  parent_run_id: null,
  retry_of: null,
  via: 'trigger',
  ...special,
})

const retry = (run_id: string, retry_of: string, state: FlowMember['state']): FlowMember =>
  run(run_id, state, { retry_of, via: 'retry' })
const handler = (run_id: string, parent_run_id: string, state: FlowMember['state']): FlowMember =>
  run(run_id, state, { parent_run_id, via: 'failure' })

test('a flow runs while any of its runs is unfinished', (t) => {
  for (const state of ['waiting', 'queued', 'running'] as const)
    t.is(outcomeOfFlow([run('a', 'failed'), run('b', state)]), 'running')
})

test('a flow whose runs all succeeded has succeeded', (t) => {
  t.is(outcomeOfFlow([run('a', 'succeeded'), run('b', 'succeeded')]), 'succeeded')
})

test('a flow with a failed or expired run has failed', (t) => {
  for (const state of ['failed', 'expired'] as const)
    t.is(outcomeOfFlow([run('a', 'succeeded'), run('b', state)]), 'failed')
})

test('a canceled run makes the flow canceled, unless another failed', (t) => {
  t.is(outcomeOfFlow([run('a', 'succeeded'), run('b', 'canceled')]), 'canceled')
  t.is(outcomeOfFlow([run('a', 'failed'), run('b', 'canceled')]), 'failed')
})

test('a retry that succeeded makes its run good', (t) => {
  t.is(outcomeOfFlow([run('a', 'failed'), retry('b', 'a', 'succeeded')]), 'succeeded')
  t.is(outcomeOfFlow([run('a', 'expired'), retry('b', 'a', 'succeeded')]), 'succeeded')
})

test('the newest retry counts, and a retry may be cured itself', (t) => {
  const first = run('a', 'failed')
  const chain = [first, retry('b', 'a', 'failed'), retry('c', 'b', 'failed')]
  t.is(outcomeOfFlow(chain), 'failed')
  t.is(outcomeOfFlow([...chain, retry('d', 'c', 'succeeded')]), 'succeeded')
  const older = [first, retry('b', 'a', 'succeeded'), retry('c', 'a', 'failed')]
  t.is(outcomeOfFlow(older), 'failed')
})

test('a failure is made good only when all its handlers succeeded', (t) => {
  const failed = run('a', 'failed')
  t.is(outcomeOfFlow([failed, handler('b', 'a', 'succeeded')]), 'succeeded')
  const half = [failed, handler('b', 'a', 'succeeded'), handler('c', 'a', 'failed')]
  t.is(outcomeOfFlow(half), 'failed')
  t.is(outcomeOfFlow([...half, retry('d', 'c', 'succeeded')]), 'succeeded')
})

test('a canceled handler makes nothing good', (t) => {
  t.is(outcomeOfFlow([run('a', 'failed'), handler('b', 'a', 'canceled')]), 'failed')
})

test('what followed a task or a success is no handler', (t) => {
  for (const via of ['each_failure', 'success', 'semaphore', 'timeout'] as const)
    t.is(
      outcomeOfFlow([run('a', 'failed'), run('b', 'succeeded', { via, parent_run_id: 'a' })]),
      'failed',
    )
})

test('a handler that failed counts as itself, even if its run was retried with success', (t) => {
  const runs = [run('a', 'failed'), handler('b', 'a', 'failed'), retry('c', 'a', 'succeeded')]
  t.is(outcomeOfFlow(runs), 'failed')
})

test('a very long chain of retries is judged too', (t) => {
  const runs = Array.from({ length: 50_000 }, (_, at) =>
    at === 0 ? run('0', 'failed') : retry(String(at), String(at - 1), 'failed'),
  )
  t.is(outcomeOfFlow(runs), 'failed')
  t.is(outcomeOfFlow([...runs, retry('last', '49999', 'succeeded')]), 'succeeded')
})

test('names of runs mean nothing but themselves', (t) => {
  t.is(outcomeOfFlow([run('__proto__', 'failed'), run('b', 'succeeded')]), 'failed')
  t.is(
    outcomeOfFlow([run('__proto__', 'failed'), retry('b', '__proto__', 'succeeded')]),
    'succeeded',
  )
})

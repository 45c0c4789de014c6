/** A run's own token while a frontend runs: what it starts, and what it is worth when its run is over. */
import test from 'ava'
import { refusal, RUN_ID } from '../frontend/fake-broker.ts'
import { actions, closedFrontend, OTHER_ID, runToken, tell, twoRuns, until } from './closed.ts'

const START = '/job_start?job_name=load'

test("a run's own token puts its triggers below its run", async (t) => {
  const { url, broker } = await closedFrontend(t, {})
  const token = runToken(RUN_ID)
  t.is((await tell(url, START, { token })).status, 202)
  t.is((await tell(url, '/api/runs', { token, method: 'POST', body: { job: 'load' } })).status, 202)
  const parents = broker.seen.flatMap((request) =>
    request.kind === 'trigger' ? request.triggers.map((one) => one.parent_run_id) : [],
  )
  t.deepEqual(parents, [RUN_ID, RUN_ID])
  const foreign = `${START}&parent_run_id=${OTHER_ID}`
  t.is((await tell(url, foreign, { token })).status, 403)
  t.deepEqual(actions(broker.seen), ['trigger', 'trigger'])
})

test('what a command left behind asks in vain, and shuts out no other run of its host', async (t) => {
  const { url, broker } = await closedFrontend(t, {})
  const from = '127.0.2.7'
  const ask = (run_id: string) =>
    tell(url, `/job_status?run_id=${run_id}`, { token: runToken(run_id), from })
  t.is((await ask(OTHER_ID)).status, 200)
  broker.script = (request) =>
    request.kind === 'query' &&
    request.question.what === 'run_token' &&
    request.question.token === runToken(OTHER_ID)
      ? refusal(401, 'unauthorized')
      : twoRuns(request)
  for (let n = 0; n < 40; n += 1) await ask(OTHER_ID)
  t.is((await ask(OTHER_ID)).code, 'too_many_failures')
  t.is((await ask(RUN_ID)).status, 200)
})

test('when a run is over, so is what its token had begun; a broker that is away ends nothing', async (t) => {
  const { ask, broker } = await closedFrontend(t, {})
  const headers = { authorization: `Bearer ${runToken(RUN_ID)}` }
  const stream = ask(`${START}&follow=1`, { headers })
  let isOpen = true
  void stream.then(() => (isOpen = false))
  await broker.request(({ kind }) => kind === 'trigger')
  let looks = 0
  let answer = refusal(503, 'busy')
  broker.script = (request) => {
    const isLook = request.kind === 'query' && request.question.what === 'run_token'
    if (!isLook) return twoRuns(request)
    looks += 1
    return answer
  }
  await until(t, () => looks > 0)
  t.true(isOpen)
  answer = refusal(401, 'unauthorized')
  t.false((await stream).whole)
  t.true(looks > 1)
})

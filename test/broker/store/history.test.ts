import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openHistory } from '../../../broker/store/history.ts'
import { listed, opened } from './opened-history.ts'
import * as sample from './samples.ts'
import { arrivalAt, born, ended, idOf, recordsWith, sampleRun } from './samples.ts'

test('a run is found by its whole id, or by the end of it', async (t) => {
  const { history } = opened(t, born([sampleRun(1), sampleRun(2)]))
  const short = idOf(1).slice(-8)
  t.deepEqual(await history.find(idOf(1)), { kind: 'found', run_id: idOf(1) })
  t.deepEqual(await history.find(short), { kind: 'found', run_id: idOf(1) })
  t.deepEqual(await history.find(idOf(1).slice(5)), { kind: 'found', run_id: idOf(1) })
  for (const unknown of ['', short.slice(1), '%%%%%%%%', "' OR 1=1 --", `x${idOf(1)}`, idOf(9)])
    t.deepEqual(await history.find(unknown), { kind: 'unknown' }, unknown)
})

test('a short id that several runs have is ambiguous', async (t) => {
  const twin = sampleRun(2, { run_id: `11111111${idOf(1).slice(8)}` })
  const { history } = opened(t, born([sampleRun(1), twin]))
  const found = await history.find(idOf(1).slice(-8))
  t.deepEqual(found, { kind: 'ambiguous', run_ids: [twin.run_id, idOf(1)] })
})

test('a run is shown with its tasks, its attempts, and what came of it', async (t) => {
  const run = ended(1, 'failed', { reason: 'exit code 3', message: 'so far', progress: 50 })
  const { flow_id, run_id } = run
  run.tasks.push(
    sample.sampleTask(run, {
      state: 'failed',
      attempt: 2,
      exit_code: 3,
      output: { rows: '1' },
      attempts: [sample.sampleAttempt(1, { state: 'lost' }), sample.sampleAttempt(2)],
    }),
  )
  const child = sampleRun(2, { flow_id, parent_run_id: run_id, via: 'failure', job: 'notify' })
  const retry = sampleRun(3, { flow_id, retry_of: run_id, via: 'retry' })
  const stranger = sampleRun(4, { flow_id })
  const gate = sample.sampleGate('k', [])
  const arrival = sample.sampleArrival(run)
  const { history } = opened(
    t,
    born([run], { date: 'd' }, { gate_key: 'g' }),
    born([child, retry, stranger]),
    recordsWith({
      arrivals: [
        arrivalAt(gate, arrival),
        arrivalAt(gate, arrival, { semaphore: 'other', key: null, missing: 'date', late: true }),
      ],
    }),
  )
  const view = await history.run(run_id)
  t.like(view, {
    run_id,
    state: 'failed',
    params: { date: 'd' },
    context: { gate_key: 'g' },
    progress: 50,
    message: 'so far',
    created_at: new Date(run.created_ms).toISOString(),
  })
  t.is(view?.tasks?.length, 1)
  t.like(view?.tasks?.[0], { task_id: `${run_id}.0`, exit_code: 3, output: { rows: '1' } })
  t.deepEqual(
    view?.tasks?.[0]?.attempts.map(({ attempt, state }) => [attempt, state]),
    [
      [1, 'lost'],
      [2, 'running'],
    ],
  )
  t.deepEqual(view?.next, [
    { on: 'failure', job: 'notify', run_id: child.run_id, state: 'queued' },
    { on: 'retry', job: 'import', run_id: retry.run_id, state: 'queued' },
    { semaphore: 'ready', key: 'k', generation: 1, late: false },
    { semaphore: 'other', key: null, generation: 1, late: true },
  ])
  t.is(await history.run('unheard'), null)
})

test('an attempt is found by task, number or worker', async (t) => {
  const run = sampleRun(1, { state: 'running', deliver: 'all' })
  run.tasks.push(
    sample.sampleTask(run, { n: 0, worker: 'web1' }),
    sample.sampleTask(run, {
      n: 1,
      worker: 'web2',
      state: 'delayed',
      attempt: 2,
      attempts: [sample.sampleAttempt(1, { state: 'failed' }), sample.sampleAttempt(2)],
    }),
  )
  const { history } = opened(t, born([run]), born([sampleRun(2), ended(3, 'canceled')]))
  const second = { task_id: `${idOf(1)}.1`, attempt: 2, state: 'delayed', over: false }
  for (const task of [`${idOf(1)}.1`, '1', 'web2'])
    t.deepEqual(await history.attempt(idOf(1), task, null), second, task)
  t.like(await history.attempt(idOf(1), '1', 1), { attempt: 1, state: 'failed', over: true })
  t.like(await history.attempt(idOf(1), '1', 7), { status: 404, code: 'unknown_attempt' })
  t.like(await history.attempt(idOf(1), 'web9', null), { status: 404, code: 'unknown_task' })
  t.like(await history.attempt(idOf(1), null, null), { status: 400, code: 'which_task' })
  t.like(await history.attempt('unheard', null, null), { status: 404, code: 'unknown_run' })
  const early = { task_id: `${idOf(2)}.0`, attempt: 0, state: 'ready', over: false }
  t.deepEqual(await history.attempt(idOf(2), null, null), early)
  t.like(await history.attempt(idOf(3), null, null), { state: 'canceled', over: true })
})

test('a time that no calendar holds is shown as the last that one does', async (t) => {
  const run = ended(1, 'succeeded', { started_ms: Number.MAX_SAFE_INTEGER, finished_ms: -5 })
  const { history } = opened(t, born([run]))
  t.like(await history.run(run.run_id), {
    started_at: '+275760-09-13T00:00:00.000Z',
    finished_at: '1970-01-01T00:00:00.000Z',
  })
})

test('names that JavaScript reserves come through unharmed', async (t) => {
  const params = JSON.parse('{"__proto__": "mine", "constructor": "x"}') as Record<string, string>
  const { history } = opened(t, born([sampleRun(1)], params))
  const view = await history.run(idOf(1))
  t.is(JSON.stringify(view?.params), '{"__proto__":"mine","constructor":"x"}')
})

test('a checkpoint moves the log into the file, and the log starts over', async (t) => {
  const { store, history, directory } = opened(t)
  const size = (file: string): number => statSync(join(directory, file)).size
  const fill = (from: number): void => {
    for (let n = from; n < from + 100; n += 1)
      store.commit(born([sampleRun(n)], { f: 'x'.repeat(4096) }))
  }
  fill(1)
  const log = size('jobz.db-wal')
  await history.checkpoint()
  t.true(size('jobz.db') > 100 * 4096)
  fill(101)
  t.true(size('jobz.db-wal') < log * 1.5)
  t.is((await listed(history, {})).length, 200)
})

test('a log that grew long is written over from its beginning', async (t) => {
  const { store, history, directory } = opened(t)
  const runs = Array.from({ length: 300 }, (_, n) => sampleRun(n))
  store.commit(born(runs, { f: 'x'.repeat(250_000) }))
  t.true(statSync(join(directory, 'jobz.db-wal')).size > 64 * 1024 * 1024)
  await history.checkpoint()
  const { size } = statSync(join(directory, 'jobz.db-wal'))
  store.commit(born([sampleRun(1000)]))
  t.is(statSync(join(directory, 'jobz.db-wal')).size, size)
  t.like(await history.run(idOf(1000)), { run_id: idOf(1000) })
})

test('the history cannot change what is stored, nor questions asked after it was closed hang', async (t) => {
  const { history } = opened(t, born([sampleRun(1)]))
  const open = history.run(idOf(1))
  await history.close()
  await t.throwsAsync(history.run(idOf(1)), { message: /closed/ })
  await open.catch((error: unknown) => t.true(error instanceof Error))
})

test('without a database each question is refused', async (t) => {
  const history = openHistory(join(tmpdir(), 'jobz-that-is-not-there'))
  t.teardown(() => history.close())
  await t.throwsAsync(history.runs({ limit: 1 }), { message: /unable to open/ })
  await t.throwsAsync(history.checkpoint(), { message: /unable to open/ })
})
